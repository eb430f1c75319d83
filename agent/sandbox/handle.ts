import { readFile, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Exit } from '../../shared/domain/instance.ts';
import { readFileIfExists } from '../../shared/kit/atomic-file.ts';

/** Bits of the signals in the masks of /proc. */
const TERM_BIT = 1n << 14n;
const USR1_BIT = 1n << 9n;

/** A process that cannot be mistaken for a later one with its number. */
export interface ProcessHandle {
  readonly pid: number;
  /** Clock ticks since boot, from /proc. */
  readonly startTicks: string;
}

/** Changes with every boot. */
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

/** False for zombies, because some init programs reap late. */
export async function isAlive(handle: ProcessHandle): Promise<boolean> {
  const found = await processStat(handle.pid);
  return found?.startTicks === handle.startTicks && found.state !== 'Z' && found.state !== 'X';
}

/** Reads `pid ticks`, which the supervisor wrote when it started. */
export async function readHandle(
  pidFile: string,
): Promise<(ProcessHandle & { readonly startedAtMs: number }) | undefined> {
  const text = await readFileIfExists(pidFile);
  const [, pid, startTicks] = /^(\d+) (\d+)\n$/.exec(text ?? '') ?? [];
  if (pid === undefined || startTicks === undefined) return undefined;
  return { pid: Number(pid), startTicks, startedAtMs: Math.round((await stat(pidFile)).mtimeMs) };
}

/** Reads `status oom-kills ms memory`, which the supervisor wrote when the process ended. */
export async function readExit(exitFile: string): Promise<Exit | undefined> {
  const text = await readFileIfExists(exitFile);
  return text === undefined ? undefined : parseExit(text);
}

/** Shells and init programs report 128 + n for a process that signal n ended. The supervisor of an older agent does not write the memory. Pure. */
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
  /** Mask of the signals that it handles, in hex. */
  readonly caught: string;
  /** Start address of its stack. A fork has the address of its parent; each exec gets another one. 0: unknown. */
  readonly stackStart: string;
}

/**
 * `undefined` if the process is in our namespace or has ended. It is safe to read `status`, but not `cmdline` and `environ`: the kernel locks the
 * memory of the process for them, and a hostile process can hold this lock for many seconds.
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
 * Sends SIGTERM to the processes in the pid namespace of a sandbox, if the app is among them. The tool outside gets no signal, nor does its
 * init inside, which would kill all processes after a second, nor the programs that set the sandbox up.
 * @returns true if the app received the signal
 */
export async function terminateInside(pids: readonly number[]): Promise<boolean> {
  const inside = await processesInside(pids);
  const [reporter, ...others] = inside;
  if (reporter === undefined || !isReporter(reporter)) return false;
  // A fork of the reporter will run the app soon, but does not handle SIGTERM yet.
  const isUnready = ({ stackStart }: InsideProcess): boolean =>
    stackStart !== '0' && stackStart === reporter.stackStart;
  if (others.every(isUnready)) return false;
  for (const { pid } of inside) send(pid, 'SIGTERM');
  return true;
}

/**
 * Asks report.sh to start attach.pl.
 * @returns false if the sandbox has no report.sh that handles this signal, for example because an older agent started it
 */
export async function callAttachInside(pids: readonly number[]): Promise<boolean> {
  const [reporter] = await processesInside(pids);
  if (reporter === undefined || !isReporter(reporter) || !handles(reporter, USR1_BIT)) return false;
  send(reporter.pid, 'SIGUSR1');
  return true;
}

/** Without the init of the sandbox, and in the order in which they started. */
async function processesInside(pids: readonly number[]): Promise<readonly InsideProcess[]> {
  const found = (await Promise.all(pids.map(insideProcess))).filter((process) => process !== undefined);
  return found.filter(({ innerPid }) => innerPid > 1).sort((a, b) => a.innerPid - b.innerPid);
}

/** True for the shell that runs report.sh, the parent of the app's first process. The programs before it do not handle SIGTERM. */
function isReporter(process: InsideProcess): boolean {
  return process.name === 'sh' && handles(process, TERM_BIT);
}

function handles({ caught }: InsideProcess, bit: bigint): boolean {
  return /^[0-9a-f]+$/.test(caught) && (BigInt(`0x${caught}`) & bit) !== 0n;
}

function send(pid: number, signal: 'SIGTERM' | 'SIGUSR1'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
