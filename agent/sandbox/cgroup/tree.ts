import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../shared/kit/clock.ts';
import { isErrno, SlipwayError } from '../../../shared/kit/errors.ts';

/** The group and every group below it, deepest first. Missing: none. */
export async function groupsBelow(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(none)) {
    if (entry.isDirectory()) found.push(...(await groupsBelow(join(dir, entry.name))));
  }
  return [...found, dir];
}

export async function pidsBelow(dir: string): Promise<number[]> {
  const groups = await groupsBelow(dir);
  const lists = await Promise.all(groups.map((group) => readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '')));
  return lists.flatMap((text) => text.split('\n').filter(Boolean).map(Number));
}

/** A tool that has just ended may leave its own group a moment later, or remove it at the same time as we do. */
const EMPTY_TIMEOUT_MS = 2_000;

/** After this time a group that is not empty stays, and the next agent removes it. */
export async function removeGroups(dir: string, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + EMPTY_TIMEOUT_MS;
  for (
    let pauseMs = 1;
    !(await removedAll(dir)) && clock.monotonicMs() < deadlineMs;
    pauseMs = Math.min(50, pauseMs * 2)
  ) {
    await clock.sleep(pauseMs);
  }
}

async function removedAll(dir: string): Promise<boolean> {
  let all = true;
  for (const group of await groupsBelow(dir)) {
    await rmdir(group).catch((error: unknown) => {
      if (isErrno(error, 'EBUSY')) all = false;
      else if (!isErrno(error, 'ENOENT')) throw error;
    });
  }
  return all;
}

export async function childGroups(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(none);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** A busy machine needs time to end a process, because its mounts and networks end too. */
const KILL_TIMEOUT_MS = 30_000;

/** `cgroup.kill` is one write for the whole tree (Linux 5.14). Without it, kill again until no process is left. */
export async function killBelow(dir: string, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + KILL_TIMEOUT_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    const pids = await pidsBelow(dir);
    if (pids.length === 0) return;
    if (clock.monotonicMs() > deadlineMs)
      throw cgroupFailure(`SIGKILL does not end ${await describePids(pids)} in ${dir}`);
    const killed = await writeFile(join(dir, 'cgroup.kill'), '1', { flag: 'r+' }).then(yes, no);
    if (!killed) for (const pid of pids) killOne(pid);
    await clock.sleep(pauseMs);
  }
}

/** `sh (D)`: name and state. */
async function describePids(pids: readonly number[]): Promise<string> {
  const described = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
    const [, name = '?', state = 'gone'] = /\((.*)\) (\w)/.exec(stat) ?? [];
    return `${name} (${state})`;
  });
  return (await Promise.all(described)).join(', ');
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** Writes one control file. @throws SLIP_SANDBOX_CGROUP */
export async function writeControl(path: string, value: string): Promise<void> {
  try {
    await writeFile(path, value, { flag: 'r+' });
  } catch (cause) {
    throw cgroupFailure(`${path} does not accept ${value}`, cause);
  }
}

/** Writes a limit that is useful but not required. It is no failure when the kernel has no such file, or when more is in use already. */
export async function keepControl(path: string, value: number): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === undefined || Number(found.replace(/^default /, '')) === value) return;
  await writeFile(path, String(value), { flag: 'r+' }).catch(() => undefined);
}

export function cgroupFailure(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_CGROUP',
    kind: 'transient',
    message: `Limits could not be set: ${what}.`,
    hint: 'The agent needs to run as root with write access to /sys/fs/cgroup.',
    cause,
  });
}

const none = (): [] => [];
const yes = (): true => true;
const no = (): false => false;
