import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proofRecords, txtRecords } from '../../../../controller/ownership/proof-records.ts';

const ada = { key: 'ab'.repeat(32), userId: 'adaadaadaada', baseDomain: 'apps.example.net' };
const HOST = 'shop.example.com';

test('the records of a domain name the domain and the user, and never change', () => {
  const { txt, cname } = proofRecords(ada, HOST);
  assert.equal(txt.name, '_slipway.shop.example.com');
  assert.match(txt.value, /^slipway-proof=[0-9a-f]{32}$/);
  assert.equal(cname?.name, HOST);
  assert.match(cname.value, /^domains-[0-9a-f]{32}\.apps\.example\.net$/);
  assert.deepEqual(proofRecords(ada, HOST), { txt, cname });
});

test('a TXT record is for one user, one name and one fleet; a CNAME target is for all domains of a user', () => {
  const mine = proofRecords(ada, HOST);
  const others = [
    proofRecords({ ...ada, userId: 'bobbobbobbob' }, HOST),
    proofRecords({ ...ada, key: 'cd'.repeat(32) }, HOST),
    proofRecords(ada, 'blog.example.com'),
  ];
  for (const other of others) assert.notEqual(other.txt.value, mine.txt.value);
  assert.deepEqual(
    others.map(({ cname }) => cname?.value === mine.cname?.value),
    [false, false, true],
  );
});

test('a wildcard is proved with the name below which it is, and not with an alias', () => {
  assert.deepEqual(proofRecords(ada, '*.example.com'), { txt: proofRecords(ada, 'example.com').txt });
});

test('a base domain of one machine is no target of an alias', () => {
  assert.equal(proofRecords({ ...ada, baseDomain: 'localhost' }, HOST).cname, undefined);
});

test('names above a domain count up to the one that somebody registered', () => {
  const names = (hostname: string): readonly string[] => txtRecords(ada, hostname).map(({ name }) => name);
  assert.deepEqual(names('a.shop.example.co.uk'), [
    '_slipway.a.shop.example.co.uk',
    '_slipway.shop.example.co.uk',
    '_slipway.example.co.uk',
  ]);
  assert.deepEqual(names('ada.github.io'), ['_slipway.ada.github.io']);
  assert.deepEqual(names('*.example.com'), ['_slipway.example.com']);
  assert.equal(names(`${'a.'.repeat(60)}example.com`).length, 8);
});
