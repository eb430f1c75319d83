import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { CommandResult, Run } from '../../shared/kit/exec.ts';

/** Limits of one parse of an untrusted text. The main limit is processor time, because a busy machine needs more wall-clock time. */
const LIMITS = Object.freeze({
  processorSeconds: 5,
  timeoutMs: 60_000,
  heapMebibytes: 64,
  outputBytes: 1024 * 1024,
});

/** The result when the parser did not end within its wall-clock time. */
const STOPPED: CommandResult = { code: null, signal: 'SIGKILL', stdout: '', stderr: '' };

/** `stopped`: a limit ended the parser. `refused`: the parser did not accept the text. */
export type Parsed = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'stopped' | 'refused' };

/**
 * Parses a text in a separate process, for parsers whose time or memory can grow faster than the text. The process is killed at its
 * limits, and this process is not blocked meanwhile. The value is plain JSON; the caller has to check its shape.
 * @param parser name of a program beside this file that reads a text on standard input and writes JSON
 */
export async function parseInChildProcess(run: Run, parser: string, text: string): Promise<Parsed> {
  const { processorSeconds, timeoutMs, heapMebibytes, outputBytes } = LIMITS;
  const node = [
    process.execPath,
    `--max-old-space-size=${String(heapMebibytes)}`,
    '--disable-warning=ExperimentalWarning',
    program(parser),
  ];
  const args = [`--cpu=${String(processorSeconds)}`, '--core=0', '--', ...node];
  const result = await run({ file: 'prlimit', args, stdin: text, timeoutMs, maxOutputBytes: outputBytes + 1 }).catch(
    (error: unknown) => {
      if (error instanceof SlipwayError && error.code === 'SLIP_EXEC_TIMEOUT') return STOPPED;
      throw error;
    },
  );
  if (result.signal !== null || Buffer.byteLength(result.stdout) > outputBytes) return { kind: 'stopped' };
  return result.code === 0 ? { kind: 'value', value: JSON.parse(result.stdout) as unknown } : { kind: 'refused' };
}

/** The source, or the file that the bundler makes of it. */
function program(parser: string): string {
  const source = join(import.meta.dirname, `${parser}.ts`);
  return existsSync(source) ? source : join(import.meta.dirname, `${parser}.mjs`);
}
