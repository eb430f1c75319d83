import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { run, type CommandResult } from '../../../../shared/kit/exec.ts';

const SCRIPT = join(import.meta.dirname, '../../../../agent/sandbox/inside/dyno.sh');

/** Starts a command as a process of an app whose `bin/web` is this text. */
async function dyno(t: TestContext, text: string, command: string): Promise<CommandResult> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-dyno-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'bin'));
  await writeFile(join(home, 'bin/web'), text, { mode: 0o755 });
  const env = { PATH: '/usr/bin:/bin', HOME: home };
  return run({ file: 'bash', args: [SCRIPT, command], env, timeoutMs: 240_000 });
}

test('a script whose first line ends in CRLF is named before its command fails', async (t) => {
  for (const command of ['bin/web', 'exec bin/web --port 1', './bin/web']) {
    const ended = await dyno(t, '#!/bin/sh\r\necho hello\r\n', command);
    assert.ok([126, 127].includes(ended.code ?? 0), command);
    assert.match(ended.stderr, /^slipway: \S*bin\/web: the first line ends in CRLF/m, command);
  }
});

test('nothing is said of other commands, and they run as they are', async (t) => {
  for (const [text, command] of [
    ['#!/bin/sh\necho hello\r\n', 'bin/web'],
    ['#!/bin/sh\necho hello', 'FOO=1 bin/web'],
    ['#!/bin/sh\r\n', 'echo hello'],
  ] as const) {
    const ended = await dyno(t, text, command);
    assert.deepEqual([ended.code, ended.stdout.trim(), ended.stderr], [0, 'hello', ''], command);
  }
  assert.equal((await dyno(t, '', 'bin/missing')).code, 127);
});
