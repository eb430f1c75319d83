import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explainExit } from '../../../../agent/reconcile/explain-exit.ts';
import type { Exit } from '../../../../shared/domain/instance.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';
import { anyAssignment } from '../../../support/arbitraries.ts';

const assignment = { ...fc.sample(anyAssignment, { numRuns: 1, seed: 7 })[0]!, command: 'bin/web' };

const explain = (
  code: number,
  lastLines: readonly string[],
): { code: string; message: string; hint?: string | undefined } =>
  explainExit(assignment, { exit: { code, oomKilled: false, atMs: 0 }, everLive: false, lastLines });

test('a script whose first line ends in CRLF is named as such, in the words of dyno.sh, of bash and of env', () => {
  for (const [code, line] of [
    [127, 'slipway: bin/web: the first line ends in CRLF (Windows line ends)'],
    [126, 'bash: line 1: bin/web: /bin/sh^M: bad interpreter: No such file or directory'],
    [126, 'bash: bin/web: /bin/sh\\r: bad interpreter: No such file or directory'],
  ] as const) {
    const reason = explain(code, ['before', line]);
    assert.equal(reason.code, 'SLIP_APP_CRLF', line);
    assert.match(reason.message, /could not start bin\/web: its first line ends in CRLF/);
    assert.match(reason.hint ?? '', /LF line ends/);
  }
  for (const line of [
    "env: 'node\\r': No such file or directory",
    '/usr/bin/env: ‘node\\r’: No such file or directory',
  ]) {
    assert.match(explain(127, [line]).message, /could not start a script for node: its first line ends in CRLF/);
  }
});

test('another command that cannot run is not blamed on line ends', () => {
  for (const line of ['bash: line 1: bin/web: No such file or directory', 'bash: bin/web: Permission denied', '']) {
    assert.equal(explain(127, [line]).code, 'SLIP_APP_COMMAND');
  }
  assert.equal(
    explain(1, ['slipway: bin/web: the first line ends in CRLF (Windows line ends)']).code,
    'SLIP_APP_EXITED',
  );
});

test('an environment that is too large for Linux is named with its size and the variable to unset', () => {
  const large = { ...assignment, config: sealAll({ BIG: 'x'.repeat(200_000), SMALL: 'y' }) };
  const lastLines = ['/run/slipway/bin/dyno.sh: line 12: /bin/bash: Argument list too long'];
  const reason = explainExit(large, { exit: { code: 126, oomKilled: false, atMs: 0 }, everLive: false, lastLines });
  assert.equal(reason.code, 'SLIP_APP_ENVIRONMENT');
  assert.match(reason.message, /arguments and environment are too large\. Its config vars have 200013 bytes\.$/);
  assert.match(
    reason.hint ?? '',
    /^The largest are BIG \(200005\), SMALL \(8\)\. Remove one with: slipway config:unset BIG -a /,
  );
});

test('a process that was killed for the memory of all sandboxes is not told that it used more than its own', () => {
  const limited = { ...assignment, limits: { ...assignment.limits, memoryBytes: 512 * 1024 * 1024 } };
  const killed = { signal: 'SIGKILL', oomKilled: true, atMs: 0 };
  const explained = (exit: Exit): { code: string; message: string } =>
    explainExit(limited, { exit, everLive: true, lastLines: [] });
  const own = explained(killed);
  assert.equal(own.code, 'SLIP_APP_OUT_OF_MEMORY');
  assert.match(own.message, /used more memory than its limit of 512 MB\.$/);
  const node = explained({ ...killed, oomOfNode: true });
  assert.equal(node.code, 'SLIP_APP_NODE_OUT_OF_MEMORY');
  assert.match(
    node.message,
    /was killed: its node ran out of memory\. .* itself used less than its limit of 512 MB\.$/,
  );
});
