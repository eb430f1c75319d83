import { readFile, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Exit } from '../../shared/domain/instance.ts';
import { readFileIfExists } from '../../shared/kit/atomic-file.ts';

/** Bit of SIGTERM in the signal masks of /proc. */
const TERM_BIT = 1n << 14n;

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

/** Fields of /proc/PID/stat, from the third one (the state) on: the second field may hold spaces. */
async function statFields(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

const START_TICKS_FIELD = 19;
const STACK_START_FIELD = 25;

/** State letter and start of a process; `undefined` when there is none. */
export async function processStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  const fields = await statFields(pid);
  return fields === undefined ? undefined : { state: fields[0] ?? '', startTicks: fields[START_TICKS_FIELD] ?? '' };
}

/** False for zombies as well: some inits reap late. */
export async function isAlive(handle: ProcessHandle): Promise<boolean> {
  const found = await processStat(handle.pid);
  return found?.startTicks === handle.startTicks && found.state !== 'Z' && found.state !== 'X';
}

/** What the supervisor wrote when it started: `pid ticks`. */
export async function readHandle(
  pidFile: string,
): Promise<(ProcessHandle & { readonly startedAtMs: number }) | undefined> {
  const text = await readFileIfExists(pidFile);
  const [, pid, startTicks] = /^(\d+) (\d+)\n$/.exec(text ?? '') ?? [];
  if (pid === undefined || startTicks === undefined) return undefined;
  return { pid: Number(pid), startTicks, startedAtMs: Math.round((await stat(pidFile)).mtimeMs) };
}

/** What the supervisor wrote when the process ended: `status oom-kills ms`, and which memory was used up. */
export async function readExit(exitFile: string): Promise<Exit | undefined> {
  const text = await readFileIfExists(exitFile);
  return text === undefined ? undefined : parseExit(text);
}

/** Shells and init programs say 128 + n for a process that signal n ended. The supervisor of an older agent writes no last word. Pure. */
export function parseExit(text: string): Exit | undefined {
  const [, status, oom, atMs, memory] = /^(\d+) (\d+) (\d+)(?: (own|node))?\n$/.exec(text) ?? [];
  if (status === undefined) return undefined;
  const code = Number(status);
  const oomKilled = Number(oom) > 0 && code !== 0;
  const signal = code > 128 ? signalName(code - 128) : undefined;
  const ofNode = oomKilled && memory === 'node' ? { oomOfNode: true } : {};
  return { ...(signal === undefined ? { code } : { signal }), oomKilled, ...ofNode, atMs: Number(atMs) };
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

/** A process inside the pid namespace of its sandbox. */
interface InsideProcess {
  readonly pid: number;
  /** Its number in that namespace, 1 for the init. */
  readonly innerPid: number;
  readonly name: string;
  /** Mask of the signals that it handles itself, in hex. */
  readonly caught: string;
  /** Start address of its stack. A fork has that of its parent; each exec gets another one. 0: not known. */
  readonly stackStart: string;
}

/**
 * `undefined` when the process is in our namespace, or gone. `status` is safe to read. `cmdline` and `environ` are not: for them the
 * kernel takes a lock on the memory of the process, which a hostile process can hold for many seconds.
 */
async function insideProcess(pid: number): Promise<InsideProcess | undefined> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}:[ \\t]+(.*)$`, 'm').exec(status)?.[1] ?? '';
  const [, ...inner] = field('NSpid').split(/\s+/);
  const last = inner.at(-1);
  if (last === undefined) return undefined;
  const stackStart = (await statFields(pid))?.[STACK_START_FIELD] ?? '0';
  return { pid, innerPid: Number(last), name: field('Name'), caught: field('SigCgt'), stackStart };
}

/**
 * SIGTERM to the processes of a sandbox's own pid namespace, once the app is among them. Not to the tool outside, nor to its init
 * inside: that one answers TERM with KILL for all after a second. Nor to the programs that a tool runs inside to set a sandbox up.
 * @returns whether the app was there to hear it
 */
export async function terminateInside(pids: readonly number[]): Promise<boolean> {
  const found = (await Promise.all(pids.map(insideProcess))).filter((process) => process !== undefined);
  const inside = found.filter(({ innerPid }) => innerPid > 1).sort((a, b) => a.innerPid - b.innerPid);
  const [reporter, ...others] = inside;
  if (reporter === undefined || !isReporter(reporter)) return false;
  // A fork of it will soon run the app, and does not handle SIGTERM yet.
  const isDeaf = ({ stackStart }: InsideProcess): boolean => stackStart !== '0' && stackStart === reporter.stackStart;
  if (others.every(isDeaf)) return false;
  for (const { pid } of inside) sendTerm(pid);
  return true;
}

/** True for the shell that runs report.sh, the parent of the app's first process. It handles SIGTERM; the programs before it do not. */
function isReporter({ name, caught }: InsideProcess): boolean {
  return name === 'sh' && /^[0-9a-f]+$/.test(caught) && (BigInt(`0x${caught}`) & TERM_BIT) !== 0n;
}

function sendTerm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // gone in between
  }
}
