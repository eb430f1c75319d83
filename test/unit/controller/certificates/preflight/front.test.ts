import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createFrontLook } from '../../../../../controller/certificates/preflight/front.ts';
import { DnsFailure } from '../../../../../controller/certificates/preflight/resolver.ts';
import { aServedCertificate } from '../../../../support/web-certificates.ts';

const NAME = 'shop.example.com';

/** A front proxy that asks the nodes with this scheme, and a look at names that have its address. */
async function openLook(
  t: TestContext,
  { scheme, trusted = [], address = '127.0.0.1' }: { scheme?: string; trusted?: readonly string[]; address?: string },
) {
  const { pem } = await aServedCertificate('shop');
  const paths: string[] = [];
  const server = createServer({ key: pem, cert: pem }, ({ url = '' }, answer) => {
    paths.push(url);
    if (scheme !== undefined) answer.setHeader('x-slipway-scheme', scheme);
    answer.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const look = createFrontLook({
    resolver: { addresses: (_name, family) => Promise.resolve(family === 4 ? [address] : []) },
    trusted: () => Promise.resolve(trusted),
    port: (server.address() as AddressInfo).port,
    cloudflare: ['127.0.0.0/8'],
    signal: t.signal,
  });
  return { look, paths };
}

test('a front that asks the nodes over plain HTTP is named, with the loop when it is not trusted', async (t) => {
  const { look, paths } = await openLook(t, { scheme: 'http' });
  const found = await look(NAME);
  assert.equal(found?.code, 'SLIP_CERT_FLEXIBLE');
  assert.match(found.message, /plain HTTP \(SSL mode Flexible\)\. .*redirects without end/);
  assert.match(found.hint ?? '', /Full \(strict\).*slipway proxy:trust cloudflare/);
  assert.match(paths[0] ?? '', /^\/\.well-known\/acme-challenge\/[A-Za-z0-9_-]{32}$/);
  const trusting = await openLook(t, { scheme: 'http', trusted: ['127.0.0.1'] });
  assert.doesNotMatch((await trusting.look(NAME))?.message ?? '', /without end/);
});

test('a front that is not trusted is named, and one that is well is not', async (t) => {
  assert.equal((await (await openLook(t, { scheme: 'https' })).look(NAME))?.code, 'SLIP_CERT_UNTRUSTED_FRONT');
  assert.equal(await (await openLook(t, { scheme: 'https', trusted: ['127.0.0.0/8'] })).look(NAME), undefined);
  assert.equal(await (await openLook(t, { trusted: ['127.0.0.0/8'] })).look(NAME), undefined, 'nobody says how');
});

test('a name without a front, a wildcard, and DNS that is silent are no finding, and nobody is asked', async (t) => {
  const { look, paths } = await openLook(t, { scheme: 'http', address: '203.0.113.7' });
  assert.equal(await look(NAME), undefined);
  assert.equal(await (await openLook(t, { scheme: 'http' })).look('*.example.com'), undefined);
  assert.deepEqual(paths, []);
  const silent = createFrontLook({
    resolver: { addresses: () => Promise.reject(new DnsFailure('SERVFAIL', undefined)) },
    trusted: () => Promise.resolve([]),
    signal: t.signal,
  });
  assert.equal(await silent(NAME), undefined);
});
