import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalHints } from '../../../../../controller/push/git/refusal-hints.ts';

test('a refusal of git is recognised even when it arrives in two pieces', () => {
  const hints = new RefusalHints(512 * 1024 ** 2);
  hints.push(Buffer.from('0045\u0002ng refs/heads/main shallow upd'));
  assert.equal(hints.hint, undefined);
  hints.push(Buffer.from('ate not allowed\n'));
  assert.match(String(hints.hint), /git fetch --unshallow/);
});

test('ordinary output has no hint', () => {
  const hints = new RefusalHints(512 * 1024 ** 2);
  hints.push(Buffer.from('unpack ok\n'));
  assert.equal(hints.hint, undefined);
});

test('the memory limit is reported with its number', () => {
  const hints = new RefusalHints(512 * 1024 ** 2);
  hints.push(Buffer.from('fatal: Out of memory, malloc failed'));
  assert.match(
    String(hints.hint),
    /more than 512 MB of memory for an object of this push\. That is the limit for one push/,
  );
});
