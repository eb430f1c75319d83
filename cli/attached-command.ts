import type { Duplex, Readable, Writable } from 'node:stream';
import { AttachedProcess } from '../shared/attach/attached-process.ts';
import { systemClock } from '../shared/kit/clock.ts';
import type { Console, ConsoleTerminal } from './terminal/console.ts';
import { renderNotice } from './terminal/notice.ts';
import { ScreenModes } from './terminal/screen-modes.ts';

export interface AttachedCommand {
  readonly stream: Duplex;
  /** The program and its arguments, or one command line. Empty: a shell. */
  readonly words: readonly string[];
  /** Undefined: the command gets pipes. */
  readonly terminal: ConsoleTerminal | undefined;
  /** Rejects if the command cannot start. */
  readonly watch?: (process: AttachedProcess) => Promise<never>;
}

/** Connects the standard streams of this program with those of a command. @returns the exit code of the command */
export async function runAttachedCommand(
  console: Console,
  { stream, words, terminal, watch }: AttachedCommand,
): Promise<number> {
  const modes = new ScreenModes();
  const output = (bytes: Uint8Array): Promise<void> => {
    if (terminal !== undefined) modes.see(bytes);
    return written(console.stdout, bytes);
  };
  // In the raw mode of a terminal, a new line does not begin at the left edge.
  const notice = (text: string): void => {
    const line = renderNotice(text);
    console.stderr.write(terminal === undefined ? line : `\r\n${line.replace('\n', '\r\n')}`);
  };
  const process = new AttachedProcess(
    stream,
    { output, errors: (bytes) => written(console.stderr, bytes), notice },
    systemClock,
  );
  if (terminal === undefined) process.start({ mode: 'pipe', words });
  else process.start({ mode: 'pty', words, size: terminal.size(), term: terminal.type });
  try {
    await (watch === undefined ? process.started : Promise.race([process.started, watch(process)]));
    return await untilExited(console, process, terminal);
  } catch (error) {
    await written(console.stdout, Buffer.from(modes.restore()));
    throw error;
  } finally {
    process.close();
  }
}

/** Until the command runs, Ctrl-C ends this program. From then on it is a key for the command. */
async function untilExited(
  console: Console,
  process: AttachedProcess,
  terminal: ConsoleTerminal | undefined,
): Promise<number> {
  const restore = await terminal?.enterRawMode();
  const resize = (): void => terminal && process.resize(terminal.size());
  const stopResizes = terminal?.onResize(resize);
  resize(); // the size may have changed since the start was asked for
  const stopInput = passInput(console.stdin, process);
  try {
    return await process.exited;
  } finally {
    stopInput();
    stopResizes?.();
    restore?.();
  }
}

/** Reads no more input than the process takes. @returns the function that stops */
export function passInput(stdin: Readable, process: AttachedProcess): () => void {
  let passed: Promise<void> = Promise.resolve();
  const onData = (chunk: Buffer): void => {
    stdin.pause();
    passed = passed.then(() => process.input(chunk)).then(() => void stdin.resume());
  };
  // The end can come while the last chunk still waits for the process.
  const onEnd = (): void => void passed.then(() => process.inputEnd());
  stdin.on('data', onData).once('end', onEnd).once('error', onEnd).resume();
  return () => {
    stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
    stdin.pause();
    stdin.destroy(); // an open pipe would keep this program running
  };
}

/** Resolves when the bytes are written, so that a slow reader slows the command. */
export function written(target: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(bytes, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}
