import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { keepIssued } from '../../../../../controller/certificates/orders/keep-issued.ts';
import type { IssuedCertificates } from '../../../../../controller/certificates/orders/steps.ts';
import type { CertificateOnNode, ServedCertificate } from '../../../../../controller/dispatch/port.ts';
import type { Certificate, NewCertificate } from '../../../../../controller/domain/certificates.ts';
import type { AppId, CertificateId, NodeId } from '../../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../../shared/kit/clock.ts';
import { makeWebCertificate, type WebCertificate } from '../../../../support/web-certificates.ts';

const id = 'certificate1' as CertificateId;
const appId = 'app00000' as AppId;
const DELIVERED = { id, appId, hostname: 'shop.example.com', fingerprint: 'f1' };
let leaf: WebCertificate;
before(async () => {
  leaf = await makeWebCertificate({ names: ['shop.example.com'], issuer: await makeWebCertificate({ isCa: true }) });
});

function make(
  served?: ServedCertificate,
  others: { readonly stored?: readonly Certificate[]; readonly first?: ServedCertificate } = {},
): {
  readonly issued: IssuedCertificates;
  readonly saved: NewCertificate[];
  readonly changes: () => number;
} {
  const saved: NewCertificate[] = [];
  let changes = 0;
  const issued = keepIssued({
    clock: systemClock,
    store: {
      saveCertificate: (certificate) => {
        saved.push(certificate);
        const stored: Certificate = { ...certificate, createdAtMs: 1, storedAtMs: 1 };
        return Promise.resolve(stored);
      },
      removeUnordered: () => Promise.resolve(0),
      certificates: () => Promise.resolve(others.stored ?? []),
    },
    fleet: {
      certificatesChanged: async () => void (changes += 1),
      servedBy: (wanted) => (wanted === id ? served : others.first),
    },
  });
  return { issued, saved, changes: () => changes };
}

const node = (state: CertificateOnNode['state'], connected = true): CertificateOnNode => ({
  ...{ nodeId: 'node0000' as NodeId, name: 'fra-1', connected, state },
});

test('an issued certificate is stored for its app, and the nodes hear of it', async () => {
  const { issued, saved, changes } = make();
  const files = { chainPem: leaf.pem, keyPem: leaf.keyPem };
  const kept = await issued.save({ id, appId, hostname: 'shop.example.com', ...files });
  assert.deepEqual(
    saved.map((one) => [one.id, one.appId, one.kind, one.names]),
    [[id, appId, 'acme', ['shop.example.com']]],
  );
  assert.equal(kept.fingerprint, saved[0]?.fingerprint);
  assert.equal(kept.notAfterMs, leaf.certificate.notAfter.getTime());
  assert.equal(changes(), 1);
});

test('a certificate of another name, or for another key, is not stored', async () => {
  const { issued, saved } = make();
  const files = { chainPem: leaf.pem, keyPem: leaf.keyPem };
  await assert.rejects(issued.save({ id, appId, hostname: 'other.example.com', ...files }), /is not for other/);
  const other = await makeWebCertificate({ names: ['shop.example.com'] });
  const wrongKey = { chainPem: leaf.pem, keyPem: other.keyPem };
  await assert.rejects(issued.save({ id, appId, hostname: 'shop.example.com', ...wrongKey }));
  assert.deepEqual(saved, []);
});

test('an ordered certificate behind an uploaded one is delivered when every node serves the uploaded one', async () => {
  const ordered: Certificate = {
    ...{ id, appId, kind: 'acme', names: ['shop.example.com'], fingerprint: 'f1', notBeforeMs: 0 },
    ...{ notAfterMs: Number.MAX_SAFE_INTEGER, createdAtMs: 0, storedAtMs: 0 },
  };
  const upload: Certificate = { ...ordered, id: 'certificate2' as CertificateId, kind: 'uploaded', fingerprint: 'u1' };
  const isServed = (stored: readonly Certificate[], first?: ServedCertificate): Promise<boolean> =>
    make(undefined, { stored, ...(first === undefined ? {} : { first }) }).issued.isServed(DELIVERED);
  assert.equal(await isServed([ordered, upload], { fingerprint: 'u1', nodes: [node('served')] }), true);
  assert.equal(await isServed([ordered, upload], { fingerprint: 'u1', nodes: [node('unserved')] }), false);
  assert.equal(await isServed([ordered, upload]), false, 'the table is not built yet');
  assert.equal(await isServed([ordered], { fingerprint: 'f1', nodes: [node('served')] }), false);
});

test('a certificate is served when every connected node serves exactly it', async () => {
  const isServed = (served?: ServedCertificate): Promise<boolean> => make(served).issued.isServed(DELIVERED);
  assert.equal(await isServed(), false);
  assert.equal(await isServed({ fingerprint: 'f0', nodes: [node('served')] }), false);
  assert.equal(await isServed({ fingerprint: 'f1', nodes: [node('served'), node('waiting')] }), false);
  assert.equal(await isServed({ fingerprint: 'f1', nodes: [node('served'), node('unserved')] }), false);
  assert.equal(await isServed({ fingerprint: 'f1', nodes: [node('served'), node('waiting', false)] }), true);
  assert.equal(await isServed({ fingerprint: 'f1', nodes: [node('served', false)] }), false);
});
