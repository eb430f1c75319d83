import { readFile, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Exit } from '../../shared/domain/instance.ts';
import { readFileIfExists } from '../../shared/kit/atomic-file.ts';
import { INSIDE_DIR } from './policy.ts';

const REPORTER = `${INSIDE_DIR}/bin/report.sh`;

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
 * SIGTERM to the processes of a sandbox's own pid namespace, once the app is among them. Not to the tool outside, nor to its init
 * inside: that one answers TERM with KILL for all after a second. Nor to the programs that a tool runs inside to set a sandbox up.
 * @returns whether the app was there to hear it
 */
export async function terminateInside(pids: readonly number[]): Promise<boolean> {
  const numbers = await Promise.all(pids.map(innerPid));
  const inside = pids.filter((_, index) => (numbers[index] ?? 1) > 1);
  const reporters = (await Promise.all(inside.map(isReporter))).filter(Boolean).length;
  // Two with the command of report.sh: the younger one is about to become the app, and still deaf.
  if (reporters === 0 || reporters === inside.length) return false;
  for (const pid of inside) sendTerm(pid);
  return true;
}

/** Runs report.sh, the parent of the app's first process. */
async function isReporter(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0', 2)[1] === REPORTER;
}

function sendTerm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // gone in between
  }
}
