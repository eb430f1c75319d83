import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { SlipwayError } from './errors.ts';

/** One program call, without a shell. The program gets exactly the environment `env` and inherits nothing. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Output beyond this is dropped (each of stdout, stderr). Default 4 MiB. */
  readonly maxOutputBytes?: number | undefined;
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs programs. Unit tests replace it and record the arguments. */
export type Run = (command: Command) => Promise<CommandResult>;

export const DEFAULT_ENV: Readonly<Record<string, string>> = Object.freeze({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
});

const DEFAULT_MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Starts a program with its own stdio; the caller owns the child. */
export function start(command: Command, stdio: StdioOptions, detached = false): ChildProcess {
  return spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: { ...(command.env ?? DEFAULT_ENV) },
    stdio,
    detached,
    shell: false,
    ...(command.signal === undefined ? {} : { signal: command.signal, killSignal: 'SIGKILL' as const }),
  });
}

/** A killed program may end later than this when it waits for a disk. The caller does not wait longer. */
const KILL_GRACE_MS = 5_000;

/**
 * Runs a program to its end and returns what it said, whatever its exit code.
 * @throws SLIP_EXEC_NOT_STARTED, SLIP_EXEC_TIMEOUT (the program was killed), the signal's reason when aborted
 */
export const run: Run = (command) =>
  new Promise((resolve, reject) => {
    const child = start(command, [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']);
    const limit = command.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
    const stdout = collect(child.stdout, limit);
    const stderr = collect(child.stderr, limit);
    // The caller may remove the files of the program, so the program must have ended first.
    const rejectAtExit = (error: Error): void => {
      // A grandchild may keep the pipes open, and must not delay the rejection.
      child.stdout?.destroy();
      child.stderr?.destroy();
      if (hasEnded(child)) {
        reject(error);
        return;
      }
      child.once('exit', () => reject(error));
      setTimeout(() => reject(error), KILL_GRACE_MS).unref();
    };
    const kill = (): void => {
      child.kill('SIGKILL');
      rejectAtExit(timedOut(command));
    };
    const timer = command.timeoutMs === undefined ? undefined : setTimeout(kill, command.timeoutMs);
    child.stdin?.on('error', () => undefined); // a child may close stdin early; its exit code says why
    child.stdin?.end(command.stdin);
    child.on('error', (cause) => {
      clearTimeout(timer);
      if (command.signal?.aborted === true) rejectAtExit(abortReason(command.signal));
      else reject(startFailure(command, cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: stdout(), stderr: stderr() });
    });
  });

function hasEnded({ pid, exitCode, signalCode }: ReturnType<typeof start>): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** Like {@link run}, but an exit code other than 0 is an error that carries the end of stderr. */
export async function runOk(runner: Run, command: Command): Promise<CommandResult> {
  const result = await runner(command);
  if (result.code === 0) return result;
  throw new SlipwayError({
    code: 'SLIP_EXEC_FAILED',
    kind: 'transient',
    message: `${command.file} failed (${result.signal ?? `exit ${String(result.code)}`}): ${lastLine(result.stderr) || lastLine(result.stdout)}`,
    details: { file: command.file, args: command.args.join(' ').slice(0, 500) },
  });
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}

function timedOut(command: Command): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EXEC_TIMEOUT',
    kind: 'transient',
    message: `${command.file} did not end within ${String(command.timeoutMs)} ms and was stopped.`,
  });
}

function startFailure(command: Command, cause: Error): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EXEC_NOT_STARTED',
    kind: 'transient',
    message: `${command.file} could not be started.`,
    hint: `Check that ${command.file} is installed; script/bootstrap installs what Slipway needs.`,
    cause,
  });
}

function collect(stream: NodeJS.ReadableStream | null, limit: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).subarray(0, limit).toString('utf8');
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? '';
}
