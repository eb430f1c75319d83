import { readFile, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Exit } from '../../shared/domain/instance.ts';
import { readFileIfExists } from '../../shared/kit/atomic-file.ts';

/** A process that cannot be mistaken for a later one with its number. */
export interface ProcessHandle {
  readonly pid: number;
  /** Clock ticks since boot, from /proc. */
  readonly startTicks: string;
}

/** Changes with every boot: what was running under another id is not. */
export async function currentBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** State letter and start of a process; `undefined` when there is none. */
export async function processStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields === undefined ? undefined : { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

/** False for zombies as well: some inits reap late. */
export async function isAlive(handle: ProcessHandle): Promise<boolean> {
  const found = await processStat(handle.pid);
  return found?.startTicks === handle.startTicks && found.state !== 'Z' && found.state !== 'X';
}

/** What the supervisor wrote when it started: `pid ticks`. */
export async function readHandle(pidFile: string): Promise<(ProcessHandle & { readonly startedAtMs: number }) | undefined> {
  const text = await readFileIfExists(pidFile);
  const [, pid, startTicks] = /^(\d+) (\d+)\n$/.exec(text ?? '') ?? [];
  if (pid === undefined || startTicks === undefined) return undefined;
  return { pid: Number(pid), startTicks, startedAtMs: Math.round((await stat(pidFile)).mtimeMs) };
}

/** What the supervisor wrote when the process ended: `status oom-kills ms`. */
export async function readExit(exitFile: string): Promise<Exit | undefined> {
  const text = await readFileIfExists(exitFile);
  return text === undefined ? undefined : parseExit(text);
}

/** Shells and init programs say 128 + n for a process that signal n ended. Pure. */
export function parseExit(text: string): Exit | undefined {
  const [, status, oom, atMs] = /^(\d+) (\d+) (\d+)\n$/.exec(text) ?? [];
  if (status === undefined) return undefined;
  const code = Number(status);
  const oomKilled = Number(oom) > 0 && code !== 0;
  const signal = code > 128 ? signalName(code - 128) : undefined;
  return signal === undefined ? { code, oomKilled, atMs: Number(atMs) } : { signal, oomKilled, atMs: Number(atMs) };
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

/** Number of a process inside the pid namespace of its sandbox, 1 for the init; `undefined` when it is in ours, or gone. */
async function innerPid(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
  const [, ...inner] = (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/);
  const last = inner.at(-1);
  return last === undefined ? undefined : Number(last);
}

/**
 * SIGTERM to the processes of a sandbox's own pid namespace. Not to the tool outside, nor to its init inside: that one answers
 * TERM with KILL for all after a second.
 * @returns whether a process of the app was among them, and not only the parent of its first one, which waits for it
 */
export async function terminateInside(pids: readonly number[]): Promise<boolean> {
  const inside = await Promise.all(pids.map(async (pid) => ((await innerPid(pid)) ?? 1) > 1));
  const heard = pids.filter((_, index) => inside[index] === true);
  for (const pid of heard) sendTerm(pid);
  // Looked at afterwards: what was another program before may have become this one meanwhile, deaf.
  return (await Promise.all(heard.map(isReporter))).includes(false);
}

/** Runs report.sh, or is about to become the app's first process. */
async function isReporter(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0', 3).some((argument) => argument.endsWith('/report.sh'));
}

function sendTerm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // gone in between
  }
}
