import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProof, type ProofSearch } from '../../../../controller/ownership/find-proof.ts';
import { proofRecords } from '../../../../controller/ownership/proof-records.ts';
import { FakeDns } from '../../../support/fake-dns.ts';

const ada = { key: 'ab'.repeat(32), userId: 'adaadaadaada', baseDomain: 'apps.example.net' };
const HOST = 'shop.example.com';
const own = proofRecords(ada, HOST);
const above = proofRecords(ada, 'example.com');

async function find(fill: (dns: FakeDns) => void, hostname = HOST): Promise<ProofSearch> {
  const dns = new FakeDns();
  fill(dns);
  return await findProof(dns, ada, hostname);
}

test('a TXT record at the name, at a name above it, or an alias proves a domain', async () => {
  const found = await find((dns) => {
    dns.addText(own.txt.name, 'slipway-proof=of-another-user');
    dns.addText(own.txt.name, own.txt.value);
  });
  assert.deepEqual(found, { kind: 'txt', ...own.txt });
  assert.deepEqual(await find((dns) => dns.addText(above.txt.name, above.txt.value)), { kind: 'txt', ...above.txt });
  const byAlias = await find((dns) => dns.aliases.set(HOST, own.cname?.value ?? ''));
  assert.deepEqual(byAlias, { kind: 'cname', ...own.cname });
});

test('a record for another name, another user or a wildcard alias proves nothing', async () => {
  assert.deepEqual(await find((dns) => dns.addText(own.txt.name, above.txt.value)), { kind: 'absent', others: true });
  const bob = proofRecords({ ...ada, userId: 'bobbobbobbob' }, HOST);
  assert.deepEqual(await find((dns) => dns.aliases.set(HOST, bob.cname?.value ?? '')), {
    kind: 'absent',
    others: false,
  });
  const wildcard = await find((dns) => dns.aliases.set('example.com', own.cname?.value ?? ''), '*.example.com');
  assert.deepEqual(wildcard, { kind: 'absent', others: false });
});

test('servers without an answer are said, unless another record proves the domain', async () => {
  assert.deepEqual(await find((dns) => dns.silent.add(own.txt.name)), { kind: 'silent', reason: 'SERVFAIL' });
  const found = await find((dns) => {
    dns.silent.add(own.txt.name);
    dns.addText(above.txt.name, above.txt.value);
  });
  assert.equal(found.kind, 'txt');
});
