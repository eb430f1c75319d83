import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isAlive, processStat, terminateInside } from '../../agent/sandbox/handle.ts';
import { DEFAULT_ENV, start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { PRODUCT_DIR } from '../support/fleet.ts';

const REPORT = join(PRODUCT_DIR, 'agent/sandbox/inside/report.sh');
/** As in a sandbox: report.sh where sandboxes have it, and the app as its child. */
const WITH_APP = `mount -t tmpfs none /run && mkdir -p /run/slipway/bin && cp "$1" /run/slipway/bin/report.sh
/bin/sh /run/slipway/bin/report.sh sleep 1000 &
wait`;
/** An app that is a shell and handles the same signals as report.sh. */
const WITH_SHELL_APP = WITH_APP.replace(
  'sleep 1000 &',
  `sh -c 'trap "kill %1; exit 0" HUP INT TERM; sleep 1000 & wait' &`,
);
/** What a tool runs inside before that. */
const SETTING_UP = 'sleep 1000 & wait';

/** Runs a script as the first process of a pid namespace. Resolves with its processes when one of them is `sleep`. */
async function openNamespace(
  t: TestContext,
  script: string,
): Promise<{ readonly pids: readonly number[]; readonly sleep: number }> {
  const args = ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', script, 'sh', REPORT];
  const child = start({ file: 'unshare', args, env: DEFAULT_ENV }, 'ignore');
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return eventually('sleep runs', async () => {
    const pids = await descendants(child.pid ?? 0);
    const names = await Promise.all(pids.map((pid) => readFile(`/proc/${String(pid)}/comm`, 'utf8').catch(() => '')));
    const sleep = pids[names.indexOf('sleep\n')];
    return sleep === undefined ? undefined : { pids, sleep };
  });
}

async function descendants(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

describe('SIGTERM to what is inside', () => {
  it('is not said while only programs that set the sandbox up are there', async (t) => {
    const { pids, sleep } = await openNamespace(t, SETTING_UP);
    const handle = { pid: sleep, startTicks: (await processStat(sleep))?.startTicks ?? '' };
    assert.equal(await terminateInside(pids), false);
    const pending = /^ShdPnd:\s+0+$/m;
    assert.match(await readFile(`/proc/${String(sleep)}/status`, 'utf8'), pending);
    assert.equal(await isAlive(handle), true);
  });

  it('is said once the app is there, and ends it', async (t) => {
    const { pids, sleep } = await openNamespace(t, WITH_APP);
    const handle = { pid: sleep, startTicks: (await processStat(sleep))?.startTicks ?? '' };
    assert.equal(await terminateInside(pids), true);
    await eventually('the app has ended', async () => !(await isAlive(handle)));
  });

  it('is said to an app that looks like report.sh: a shell with the same traps', async (t) => {
    const { pids, sleep } = await openNamespace(t, WITH_SHELL_APP);
    const handle = { pid: sleep, startTicks: (await processStat(sleep))?.startTicks ?? '' };
    assert.equal(await terminateInside(pids), true);
    await eventually('the app has ended', async () => !(await isAlive(handle)));
  });
});
