import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { run, runOk, type Command, type Run } from '../../../../shared/kit/exec.ts';

const sh = (script: string, more: Partial<Command> = {}): Command => ({
  file: '/bin/sh',
  args: ['-c', script, 'sh'],
  ...more,
});
const hasCode = (code: string) => (error: unknown) => error instanceof SlipwayError && error.code === code;

test('arguments reach the program as they are, and no shell sees them', async () => {
  const hostile = ['$(id)', '`id`', '; rm -rf /', "a'b", 'a b', '', '*', '-n', '\n'];
  const result = await run({ file: '/usr/bin/printf', args: ['<%s>', ...hostile] });
  assert.equal(result.stdout, hostile.map((text) => `<${text}>`).join(''));
});

test('the environment is exactly the one given', async () => {
  process.env['SLIPWAY_TEST_LEAK'] = 'leaked';
  const given = await run({ file: '/usr/bin/env', args: [], env: { ONLY: 'this' } });
  const byDefault = await run({ file: '/usr/bin/env', args: [] });
  assert.equal(given.stdout, 'ONLY=this\n');
  assert.doesNotMatch(byDefault.stdout, /LEAK/);
});

test('every exit code, signal, output and error is returned', async () => {
  assert.deepEqual(await run(sh('echo out; echo err >&2; exit 7')), {
    code: 7,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  assert.deepEqual(await run(sh('kill -TERM $$')), { code: null, signal: 'SIGTERM', stdout: '', stderr: '' });
});

test('input is passed on, and a program that does not read it is no failure', async () => {
  assert.equal((await run({ file: 'cat', args: [], stdin: 'through' })).stdout, 'through');
  assert.equal((await run({ file: 'true', args: [], stdin: 'x'.repeat(1_000_000) })).code, 0);
});

test('output beyond the limit is dropped without blocking the program', async () => {
  const result = await run(sh('head -c 3000000 /dev/zero; echo done >&2', { maxOutputBytes: 1000 }));
  assert.equal(result.stdout.length, 1000);
  assert.equal(result.stderr, 'done\n');
});

test('a program that hangs is killed at its time limit, even when its child holds the output', async () => {
  await assert.rejects(run(sh('sleep 3600 & echo started; wait', { timeoutMs: 200 })), hasCode('SLIP_EXEC_TIMEOUT'));
});

test('an aborted program ends with the reason of the abort', async () => {
  const reason = new Error('the client went away');
  await assert.rejects(run(sh('sleep 5', { signal: AbortSignal.abort(reason) })), reason);
  const abort = new AbortController();
  const running = run(sh('sleep 5', { signal: abort.signal }));
  abort.abort(reason);
  await assert.rejects(running, reason);
});

test('a missing program is named, with the next command', async () => {
  await assert.rejects(run({ file: 'slipway-no-such-program', args: [] }), (error) => {
    assert.ok(error instanceof SlipwayError);
    assert.equal(error.code, 'SLIP_EXEC_NOT_STARTED');
    assert.match(error.message, /slipway-no-such-program/);
    assert.match(error.hint ?? '', /script\/bootstrap/);
    return true;
  });
});

test('an unexpected failure has the last line of the program', async () => {
  const failing: Run = () => Promise.resolve({ code: 2, signal: null, stdout: '', stderr: 'first\nlast words\n' });
  await assert.rejects(runOk(failing, { file: 'mount', args: ['x'] }), /mount failed \(exit 2\): last words/);
  const fine = { code: 0, signal: null, stdout: 'ok', stderr: 'a warning' };
  assert.equal(await runOk(() => Promise.resolve(fine), { file: 'true', args: [] }), fine);
});
