import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '../../shared/attach/frames.ts';
import { start } from '../../shared/kit/exec.ts';

/** The standard streams of this program, for commands that pass bytes on. */
export interface Console {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Set when input and output are a terminal. */
  readonly terminal?: ConsoleTerminal | undefined;
}

export interface ConsoleTerminal {
  /** `TERM` of this machine. */
  readonly type: string;
  size(): TerminalSize;
  /** @returns the function that stops the calls */
  onResize(listener: () => void): () => void;
  /** Passes each key and all output on as it is. @returns the function that sets the terminal back; it also runs at each end of this program */
  enterRawMode(): Promise<() => void>;
}

const ENDINGS = { SIGHUP: 129, SIGTERM: 143 } as const;

/** @param terminalType the value of TERM */
export function processConsole(process: NodeJS.Process, terminalType: string): Console {
  const { stdin, stdout, stderr } = process;
  if (!stdin.isTTY || !stdout.isTTY) return { stdin, stdout, stderr };
  const terminal: ConsoleTerminal = {
    type: terminalType,
    size: () => ({ rows: stdout.rows || 24, columns: stdout.columns || 80 }),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    enterRawMode: async () => {
      const restore = (): void => void stdin.setRawMode(false);
      const handlers = Object.entries(ENDINGS).map(([name, code]) => [name, () => process.exit(code)] as const);
      process.once('exit', restore);
      for (const [name, handler] of handlers) process.once(name, handler);
      stdin.setRawMode(true);
      await stopOutputConversion();
      return () => {
        restore();
        process.off('exit', restore);
        for (const [name, handler] of handlers) process.off(name, handler);
      };
    },
  };
  return { stdin, stdout, stderr, terminal };
}

/**
 * In the raw mode of Node, the terminal still begins a new line at its left edge. Full-screen programs use a line feed to move the cursor down in
 * the same column. The end of the raw mode sets this back too. Without `stty`, the terminal stays as Node made it.
 */
async function stopOutputConversion(): Promise<void> {
  const child = start({ file: 'stty', args: ['-opost'] }, ['inherit', 'ignore', 'ignore']);
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve()).once('close', () => resolve());
  });
}
