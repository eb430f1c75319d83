import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createResolver } from '../../controller/certificates/preflight/resolver.ts';
import { findProof, type ProofSearch } from '../../controller/ownership/find-proof.ts';
import { proofRecords } from '../../controller/ownership/proof-records.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';

const scope = { key: 'ab'.repeat(32), userId: 'adaadaadaada', baseDomain: 'apps.example.net' };

const off = new AbortController();
let pebble: Pebble;
before(async () => (pebble = await startPebble()));
after(async () => {
  off.abort();
  await pebble.close();
});

/** Asks a real DNS server. */
async function find(hostname: string): Promise<ProofSearch> {
  return await findProof(createResolver([pebble.dnsServer], off.signal), scope, hostname);
}

test('a TXT record among others proves a domain, the names below it, and its wildcard', async () => {
  const { txt } = proofRecords(scope, 'example.com');
  assert.deepEqual(await find('example.com'), { kind: 'absent', others: false });
  await pebble.dns('set-txt', { host: `${txt.name}.`, value: 'slipway-proof=of-another-user' });
  assert.deepEqual(await find('example.com'), { kind: 'absent', others: true });
  await pebble.dns('set-txt', { host: `${txt.name}.`, value: txt.value });
  for (const hostname of ['example.com', '*.example.com', 'a.b.example.com'])
    assert.deepEqual(await find(hostname), { kind: 'txt', ...txt });
});

test('an alias proves a domain', async () => {
  const { cname } = proofRecords(scope, 'www.example.org');
  await pebble.dns('set-cname', { host: 'www.example.org', target: cname?.value });
  assert.deepEqual(await find('www.example.org'), { kind: 'cname', ...cname });
});

test('a server that fails is no proof', async () => {
  await pebble.dns('set-servfail', { host: '_slipway.broken.example.info' });
  assert.deepEqual(await find('broken.example.info'), { kind: 'silent', reason: 'SERVFAIL' });
});
