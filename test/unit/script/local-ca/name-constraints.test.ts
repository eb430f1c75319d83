import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameConstraints } from '../../../../script/local-ca/name-constraints.ts';

test('a CA may sign only names below its domain, and no address', () => {
  const zeros = (bytes: number): string => '00'.repeat(bytes);
  const domain = Buffer.from('a.test').toString('hex');
  const permitted = `a00a30088206${domain}`;
  const excluded = `a130300a8708${zeros(8)}30228720${zeros(32)}`;
  assert.equal(Buffer.from(nameConstraints('a.test')).toString('hex'), `303e${permitted}${excluded}`);
  assert.throws(() => nameConstraints('x'.repeat(200)));
});
