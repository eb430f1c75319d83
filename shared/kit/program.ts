import { toSlipwayError } from './errors.ts';
import { createLogger } from './log.ts';

/** Resolves when the process gets a signal to end. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

/** Runs a daemon's main function. Exit code 0, or 1 with message and hint; the causes of a bug go to the log. */
export function runProgram(name: string, main: (argv: readonly string[]) => Promise<void>): void {
  main(process.argv.slice(2)).then(
    () => process.exit(process.exitCode ?? 0),
    (error: unknown) => {
      const known = toSlipwayError(error);
      process.stderr.write(` !     ${known.message}\n${known.hint === undefined ? '' : ` !     ${known.hint}\n`}`);
      const stack = error instanceof Error ? error.stack : '';
      if (known.kind === 'bug') createLogger(name).error({ err: error, stack }, 'program.failed');
      process.exit(1);
    },
  );
}
