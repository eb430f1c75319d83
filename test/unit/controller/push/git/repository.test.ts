import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommit } from '../../../../../controller/push/git/repository.ts';

const HEADERS = `tree ${'1'.repeat(40)}\nauthor A <a@b> 1 +0000\ncommitter A B <a@b> 1700000000 +0100\n`;

test('time and subject come from the commit itself', () => {
  assert.deepEqual(parseCommit(`${HEADERS}\nFix it\n\nBody\n`), { timeMs: 1_700_000_000_000, subject: 'Fix it' });
});

test('a commit without a message has an empty subject', () => {
  assert.deepEqual(parseCommit(HEADERS), { timeMs: 1_700_000_000_000, subject: '' });
});

test('a committer line in the message is not the committer', () => {
  assert.equal(parseCommit('tree x\n\ncommitter A <a@b> 5 +0000\n'), undefined);
});
