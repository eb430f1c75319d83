import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Clock } from '../../../shared/kit/clock.ts';
import { isErrno } from '../../../shared/kit/errors.ts';
import { listenersOf } from '../listeners.ts';
import type { Listener } from '../port.ts';

const MARK = 'SLIPWAY_SANDBOX';

/** Every process of a sandbox inherits this environment variable. Without cgroups, it identifies them, even in another session. */
export function mark(id: string): string {
  return `${MARK}=${id}`;
}

/** Processes with the mark that are not zombies. We can read only processes of our own user, and there are no others. */
export async function markedPids(id: string): Promise<number[]> {
  const wanted = mark(id);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environ.split('\0').includes(wanted) ? Number(pid) : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

/** Sends SIGKILL until no process is left, because a process may fork in the meantime. */
export async function killMarked(id: string, clock: Clock): Promise<void> {
  for (let pids = await markedPids(id); pids.length > 0; pids = await markedPids(id)) {
    for (const pid of pids) signalPid(pid, 'SIGKILL');
    await clock.sleep(5);
  }
}

export function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** LISTEN sockets of these processes, by the inodes among their descriptors. */
export async function listenersOfPids(pids: readonly number[]): Promise<Listener[]> {
  const [first] = pids;
  if (first === undefined) return [];
  const inodes = new Set((await Promise.all(pids.map(socketInodes))).flat());
  return (await listenersOf(first))
    .filter((entry) => inodes.has(entry.inode))
    .map(({ inode: _, ...listener }) => listener);
}

async function socketInodes(pid: number): Promise<string[]> {
  const dir = `/proc/${String(pid)}/fd`;
  const links = await Promise.all(
    (await readdir(dir).catch(() => [])).map((fd) => readlink(`${dir}/${fd}`).catch(() => '')),
  );
  return links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter((inode) => inode !== undefined);
}
