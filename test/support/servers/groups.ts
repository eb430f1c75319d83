import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';

const TOP = '/sys/fs/cgroup';

/** The folders of the group, one for each hierarchy. */
async function foldersOf(group: string): Promise<string[]> {
  const tops = existsSync(join(TOP, 'cgroup.procs')) ? [TOP] : (await readdir(TOP)).map((name) => join(TOP, name));
  return tops.map((top) => join(top, group)).filter((dir) => existsSync(dir));
}

/** Existing groups with this prefix. */
export async function groupsNamed(prefix: string): Promise<string[]> {
  const unified = existsSync(join(TOP, 'unified')) ? join(TOP, 'unified') : TOP;
  return (await readdir(unified)).filter((name) => name.startsWith(prefix));
}

async function groupsBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => groupsBelow(join(dir, entry.name))),
  );
  return [...below.flat(), dir];
}

/** Processes of a group and of the groups below it. */
export async function pidsOf(group: string): Promise<number[]> {
  const dirs = (await Promise.all((await foldersOf(group)).map(groupsBelow))).flat();
  const texts = await Promise.all(dirs.map((dir) => readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '')));
  return [...new Set(texts.join('\n').split('\n').filter(Boolean).map(Number))];
}

/** Kills all processes of the group at once. */
export async function killGroup(group: string): Promise<void> {
  await eventually(`nothing is left in ${group}`, async () => {
    const pids = await pidsOf(group);
    if (pids.length === 0) return true;
    for (const dir of await foldersOf(group))
      await writeFile(join(dir, 'cgroup.kill'), '1', { flag: 'r+' }).catch(() => undefined);
    for (const pid of pids) killOne(pid);
    return false;
  });
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

async function isRemoved(dir: string): Promise<boolean> {
  await rmdir(dir).catch(() => undefined);
  return !existsSync(dir);
}

export async function removeGroup(group: string): Promise<void> {
  for (const top of await foldersOf(group)) {
    for (const dir of await groupsBelow(top)) {
      // the kernel frees the group of a killed process a moment later
      await eventually(`${dir} is removed`, () => isRemoved(dir));
    }
  }
}

/** The first process of the machine in this group. It has the pid 1 in its own namespace. */
export async function firstProcess(group: string): Promise<number | undefined> {
  for (const pid of await pidsOf(group)) {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
    if (/^NSpid:\t\d+\t1$/m.test(status) && /^Name:\tsystemd$/m.test(status)) return pid;
  }
  return undefined;
}
