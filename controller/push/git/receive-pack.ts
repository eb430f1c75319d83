import type { Duplex, Readable, Writable } from 'node:stream';
import { start } from '../../../shared/kit/exec.ts';
import { encodeResults, HELLO, ProcReceiveParser, type ProcReceiveRequest, type RefResult } from './proc-receive.ts';
import { GIT_MEMORY_BYTES, serviceCommand, type ServiceOptions } from './git.argv.ts';
import type { Traffic } from '../turn-pace.ts';
import { RefusalHints } from './refusal-hints.ts';

type Child = ReturnType<typeof start>;

/** The two-way connection of a client. */
export interface GitChannel {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  /** Aborts when the client disconnects. */
  readonly closed: AbortSignal;
  readonly traffic?: Traffic | undefined;
}

/** Output to the pusher while the refs are decided. */
export interface PushIo {
  write(text: string): void;
  readonly signal: AbortSignal;
}

/** Decides the refs of a push whose objects are permanently in the repository. Never rejects. */
export type DecidePush = (request: ProcReceiveRequest, io: PushIo) => Promise<readonly RefResult[]>;

export interface ServiceRun {
  /** The exit code of git. Resolves when all output has gone to the channel. */
  readonly exitCode: Promise<number>;
  /** Settles when the push has ended, with its decision. Rejects when git violated the protocol of the hook. */
  readonly settled: Promise<void>;
}

/** When a pusher does not read, text above this size is dropped. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
const KILL_AFTER_MS = 3000;

/** Runs `git upload-pack` for a client. */
export function uploadPack(options: ServiceOptions, channel: GitChannel): ServiceRun {
  const child = start(serviceCommand(options), ['pipe', 'pipe', 'pipe'], true);
  const exitCode = connect(child, channel);
  return { exitCode, settled: exitCode.then(noop, noop) };
}

/**
 * Runs `git receive-pack` for a client. git checks and stores the objects, and `decide` decides about the refs. git's proc-receive hook is three
 * `cat` commands over inherited descriptors, so no second Node process starts.
 */
export function receivePack(options: ServiceOptions, channel: GitChannel, decide: DecidePush): ServiceRun {
  const child = start(serviceCommand(options), ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'], true);
  const gone = new AbortController();
  child.once('exit', () => {
    gone.abort(new Error('git receive-pack ended'));
  });
  const signal = AbortSignal.any([channel.closed, gone.signal]);
  let asked = false;
  const hints = new RefusalHints(options.memoryBytes ?? GIT_MEMORY_BYTES, options.tooLarge);
  child.stdout?.on('data', (chunk: Buffer) => {
    if (!asked) hints.push(chunk);
  });
  const conversation = converse(hookPipes(child), signal, (request, io) => {
    asked = true;
    return decide(request, io);
  });
  conversation.catch(noop); // looked at when git has ended
  const exitCode = connect(child, channel).then((code) => {
    if (!asked && hints.hint !== undefined) channel.errors.write(`${hints.hint}\n`);
    return code;
  });
  return { exitCode, settled: exitCode.then(noop, noop).then(() => conversation) };
}

function noop(): void {
  // settled either way
}

interface HookPipes {
  readonly answers: Duplex;
  readonly questions: Duplex;
  readonly text: Duplex;
}

function hookPipes(child: Child): HookPipes {
  // the types know three pipes; the fourth to sixth were asked for at the start
  // Node types five streams; this child has six
  const [, , , answers, questions, text] = child.stdio as unknown as readonly [
    null,
    null,
    null,
    Duplex,
    Duplex,
    Duplex,
  ];
  for (const pipe of [answers, questions, text]) pipe.on('error', noop); // git may die at any moment; its exit tells
  answers.resume();
  text.resume();
  return { answers, questions, text };
}

async function converse(hook: HookPipes, signal: AbortSignal, decide: DecidePush): Promise<void> {
  const parser = new ProcReceiveParser();
  try {
    for await (const chunk of hook.questions as AsyncIterable<Buffer>) {
      const { greeted, request } = parser.push(chunk);
      if (greeted) hook.answers.write(HELLO);
      if (request !== undefined)
        hook.answers.write(encodeResults(await decide(request, { signal, write: writer(hook.text) })));
      if (request !== undefined) break;
    }
  } finally {
    // The copying hook ends when both are closed, and git with it.
    hook.text.end();
    hook.answers.end();
  }
}

function writer(text: Duplex): (line: string) => void {
  return (line) => {
    if (!text.writableEnded && !text.destroyed && text.writableLength < MAX_UNREAD_BYTES) text.write(line);
  };
}

/** Connects a git process with a client. Kills the process and its children when the client disconnects. */
function connect(child: Child, channel: GitChannel): Promise<number> {
  const stop = (): void => {
    stopGroup(child);
  };
  if (channel.closed.aborted) stop();
  else channel.closed.addEventListener('abort', stop, { once: true });
  if (child.stdin !== null) channel.input.pipe(child.stdin.on('error', noop));
  child.stderr?.pipe(channel.errors, { end: false });
  child.stdout?.pipe(channel.output, { end: false });
  if (channel.traffic !== undefined) watch(child, channel, channel.traffic);
  return new Promise((resolve, reject) => {
    const outputEnded = new Promise((done) => child.stdout?.once('close', done));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      // Its child processes do not notice that it was killed, and would continue to write.
      if (signal !== null && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      channel.closed.removeEventListener('abort', stop);
      void outputEnded.then(() => {
        resolve(code ?? 1);
      });
    });
  });
}

/** Call after the pipes are connected, so that each chunk is written before it is counted. */
function watch({ stdin, stdout }: Child, { input, output }: GitChannel, traffic: Traffic): void {
  input.on('data', (chunk: Buffer) => traffic.fromClient(chunk.length, stdin?.writableNeedDrain === true));
  stdin?.on('drain', traffic.gitReads);
  stdout?.on('data', (chunk: Buffer) => traffic.fromGit(chunk.length, output.writableNeedDrain));
  output.on('drain', traffic.clientReads);
}

/** git removes its quarantine on SIGTERM. A process that does not end is killed. */
function stopGroup(child: Child): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  AbortSignal.timeout(KILL_AFTER_MS).addEventListener('abort', () => {
    if (child.exitCode === null && child.signalCode === null) signalGroup(pid, 'SIGKILL');
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it has ended
  }
}
