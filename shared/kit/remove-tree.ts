import { runOk, type Run } from './exec.ts';

/** Generous for honest trees. A tree that needs more is kept, told of, and tried again. */
const LIMITS = Object.freeze({ dataBytes: 1024 ** 3, processorSeconds: 300, timeoutMs: 15 * 60_000 });

/**
 * Removes a tree that untrusted code wrote. `rm` does it in a process of its own with limits: a million files, or folders nested deeper
 * than a path may be long, cost this process nothing. Nothing is removed on another file system. @throws SLIP_EXEC_*
 */
export async function removeTree(path: string, run: Run): Promise<void> {
  const limits = [`--data=${String(LIMITS.dataBytes)}`, `--cpu=${String(LIMITS.processorSeconds)}`];
  const remove = ['nice', '-n', '10', 'rm', '-rf', '--one-file-system', '--', path];
  await runOk(run, { file: 'prlimit', args: [...limits, '--', ...remove], timeoutMs: LIMITS.timeoutMs });
}
