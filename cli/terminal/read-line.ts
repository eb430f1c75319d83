import { createInterface } from 'node:readline/promises';
import type { ReadStream } from 'node:tty';

/** Reads one line from a terminal and trims it. Undefined without a terminal, or if the user ends the input. */
export async function readLine(
  stdin: ReadStream,
  stderr: NodeJS.WriteStream,
  question: string,
): Promise<string | undefined> {
  if (!stdin.isTTY) return undefined;
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const ended = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)));
    return (await Promise.race([lines.question(question), ended]))?.trim();
  } finally {
    lines.close();
  }
}
