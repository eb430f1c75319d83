import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyDomain, type DomainWhyFacts } from '../../../../../controller/observe/why/why-domain.ts';
import type { CertificateOnNode } from '../../../../../controller/dispatch/port.ts';
import type { Certificate } from '../../../../../controller/domain/certificates.ts';
import type { CertificateId, NodeId } from '../../../../../shared/domain/ids.ts';
import { anOrder, CERTIFICATE, DAY_MS } from '../../../../support/certificate-orders.ts';
import { anIssued } from '../../../../support/issued-certificates.ts';

const hostname = 'shop.example.com';
const stored: Certificate = {
  ...{ id: 'certificate1' as CertificateId, kind: 'acme', names: [hostname], fingerprint: 'f1' },
  ...{ notBeforeMs: 0, notAfterMs: 90 * DAY_MS, createdAtMs: 0, storedAtMs: 0 },
};
const node = (fields: Partial<CertificateOnNode> = {}): CertificateOnNode => ({
  ...{ nodeId: 'node0000' as NodeId, name: 'fra-1', connected: true, state: 'served', ...fields },
});
const SERVED: DomainWhyFacts = {
  ...{ nowMs: DAY_MS, app: 'shop', isDeployed: true, leftOut: undefined, redirect: true, certificate: stored },
  https: { hostname, state: 'serving', notAfterMs: stored.notAfterMs, renewAtMs: 60 * DAY_MS, everywhere: true },
  order: anOrder({ state: 'serving', certificate: CERTIFICATE }),
  nodes: [node(), node({ name: 'fra-2' })],
};
const NONE: DomainWhyFacts = {
  ...{ ...SERVED, certificate: undefined, nodes: [], order: anOrder({ state: 'checking' }) },
  https: { hostname, state: 'checking', everywhere: false },
};

test('a domain that every node serves is well, with its dates', () => {
  const { well, about, chains } = whyDomain(SERVED);
  assert.deepEqual([well, about], [true, 'shop.example.com of shop']);
  assert.deepEqual(chains[0]?.links, [
    'The certificate of shop.example.com ends on 1970-04-01. It is renewed about 1970-03-02.',
    '2 of 2 nodes serve it.',
    'Plain requests are redirected to HTTPS.',
  ]);
  const off = whyDomain({ ...SERVED, redirect: false }).chains[0]?.links.at(-1);
  assert.match(off ?? '', /not redirected to HTTPS, because the redirect of shop is off/);
});

test('a front proxy that hurts is a problem of a domain that every node serves', () => {
  const front = { code: 'SLIP_CERT_FLEXIBLE', message: 'Cloudflare asks over plain HTTP.', hint: 'Set Full (strict).' };
  const { well, chains } = whyDomain({ ...SERVED, front });
  assert.equal(well, false);
  assert.deepEqual(chains, [{ code: front.code, links: [front.message], next: front.hint }]);
});

test('a certificate on its way is no problem', () => {
  assert.equal(whyDomain(NONE).well, true);
  assert.match(whyDomain(NONE).chains[0]?.links[0] ?? '', /on its way \(checking\)/);
});

test('a blocked order leads from its cause to browsers', () => {
  const problem = { code: 'SLIP_CERT_NO_ADDRESS', message: 'It has no A record.', next: 'Add one.' };
  const https = { hostname, state: 'blocked', everywhere: false, nextAtMs: DAY_MS, problem } as const;
  const { well, chains } = whyDomain({ ...NONE, https });
  assert.equal(well, false);
  assert.deepEqual(chains, [
    {
      code: 'SLIP_CERT_NO_ADDRESS',
      links: [
        'It has no A record.',
        'So the order stopped. The controller looks again at 1970-01-02T00:00:00Z.',
        'So browsers get no valid certificate for shop.example.com.',
      ],
      next: 'Add one.',
    },
  ]);
});

test('an app without a release comes before its order', () => {
  const { chains } = whyDomain({ ...NONE, isDeployed: false });
  assert.deepEqual([chains.length, chains[0]?.code], [1, 'SLIP_CERT_NO_RELEASE']);
});

test('an overdue renewal, an ended certificate and a node that does not serve are named', () => {
  assert.equal(whyDomain({ ...SERVED, nowMs: 63 * DAY_MS }).chains[0]?.code, 'SLIP_CERT_LATE');
  const ended = whyDomain({ ...SERVED, order: undefined, nowMs: 91 * DAY_MS });
  assert.match(ended.chains[0]?.links.join(' ') ?? '', /ended on 1970-04-01. So browsers refuse it/);
  const reason = { code: 'SLIP_CERT_FILE', message: 'Its file is cut.' };
  const unserved = whyDomain({ ...SERVED, nodes: [node(), node({ name: 'fra-2', state: 'unserved', reason })] });
  const named = unserved.chains.map(({ links, next }) => [links[0], next]);
  assert.deepEqual(named, [['Its file is cut.', 'slipway nodes:info fra-2']]);
  assert.match(whyDomain({ ...SERVED, nodes: [] }).chains[0]?.links[0] ?? '', /No node answers HTTPS/);
});

test('a certificate with a tenth of its life left, an exposed key and a revocation have their causes and next commands', () => {
  const uploaded: Certificate = { ...stored, kind: 'uploaded', exposed: 'Node fra-3 held its key.' };
  const own: DomainWhyFacts = { ...SERVED, order: undefined, nowMs: 85 * DAY_MS, certificate: uploaded };
  assert.deepEqual(
    whyDomain(own).chains.map(({ code, next }) => [code, next]),
    [
      ['SLIP_CERT_KEY_EXPOSED', 'slipway certs:add CRT KEY -a shop'],
      ['SLIP_CERT_ENDS_SOON', 'slipway certs:add CRT KEY -a shop'],
    ],
  );
  assert.match(whyDomain(own).chains[1]?.links[1] ?? '', /browsers refuse it in 5 days/);
  const revocation = anIssued({ state: 'replacing', cause: 'Node fra-3 held its key.' });
  const [chain] = whyDomain({ ...SERVED, revocation }).chains;
  assert.deepEqual([chain?.code, chain?.links[0]], ['SLIP_CERT_REVOCATION', 'Node fra-3 held its key.']);
  assert.match(chain?.links[1] ?? '', /revoked when every connected node serves it/);
  const done = whyDomain({ ...SERVED, revocation: { ...revocation, state: 'revoked' } }).chains[0];
  assert.match(done?.links.at(-1) ?? '', /serve the revoked certificate of shop.example.com until then/);
});
