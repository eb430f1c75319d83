import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { revealAll, sealAll, Sensitive } from '../../../../shared/kit/sensitive.ts';

const SECRET = 'hunter2-hunter2';

test('a secret appears only where it is revealed', () => {
  const secret = new Sensitive(SECRET);
  const box = {
    config: { KEY: secret },
    list: [secret],
    map: new Map([['k', secret]]),
    error: new Error('x', { cause: secret }),
  };
  const shown = [
    String(secret),
    JSON.stringify(box),
    inspect(box, { depth: 9, showHidden: true }),
    format('%s %o %j', secret, box, box),
  ];
  for (const text of [...shown, Object.keys(secret).join(), JSON.stringify(Object.entries(secret))])
    assert.ok(!text.includes(SECRET), text);
  assert.equal(secret.reveal(), SECRET);
});

test('sealing and revealing a set of variables gives the same set', () => {
  const plain = { A: '1', B: '', C: 'ü\n"' };
  assert.deepEqual(revealAll(sealAll(plain)), plain);
  assert.ok(!JSON.stringify(sealAll({ A: SECRET })).includes(SECRET));
});
