import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalHints } from '../../../../../controller/push/git/refusal-hints.ts';

test('a refusal of git is known even when it arrives in two pieces', () => {
  const hints = new RefusalHints();
  hints.push(Buffer.from('0045\u0002ng refs/heads/main shallow upd'));
  assert.equal(hints.hint, undefined);
  hints.push(Buffer.from('ate not allowed\n'));
  assert.match(String(hints.hint), /git fetch --unshallow/);
});

test('ordinary output has no hint', () => {
  const hints = new RefusalHints();
  hints.push(Buffer.from('unpack ok\n'));
  assert.equal(hints.hint, undefined);
});
