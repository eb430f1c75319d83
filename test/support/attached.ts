import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { AttachedProcess } from '../../shared/attach/attached-process.ts';
import type { StartRequest } from '../../shared/attach/frames.ts';
import { systemClock } from '../../shared/kit/clock.ts';

/** A started process and what it has written so far. */
export interface Attached {
  readonly process: AttachedProcess;
  readonly output: () => string;
  readonly errors: () => string;
  readonly outputBytes: () => number;
  readonly outputDigest: () => string;
}

/** @param writes delays each piece of output, as a slow reader does */
export function attached(
  stream: Duplex,
  request: StartRequest,
  writes: () => Promise<void> = () => Promise.resolve(),
): Attached {
  const digest = createHash('sha256');
  const texts = { output: '', errors: '' };
  let outputBytes = 0;
  const sinks = {
    output: async (bytes: Uint8Array) => {
      await writes();
      digest.update(bytes);
      outputBytes += bytes.length;
      if (texts.output.length < 1_000_000) texts.output += Buffer.from(bytes).toString('utf8');
    },
    errors: async (bytes: Uint8Array) => {
      texts.errors += Buffer.from(bytes).toString('utf8');
    },
  };
  const process = new AttachedProcess(stream, sinks, systemClock);
  process.start(request);
  return {
    process,
    output: () => texts.output,
    errors: () => texts.errors,
    outputBytes: () => outputBytes,
    outputDigest: () => digest.copy().digest('hex'),
  };
}

/** Starts a command and waits for its end. */
export async function runAttached(
  stream: Duplex,
  words: readonly string[],
): Promise<{ code: number; output: string; errors: string }> {
  const run = attached(stream, { mode: 'pipe', words });
  const code = await run.process.exited;
  return { code, output: run.output(), errors: run.errors() };
}
