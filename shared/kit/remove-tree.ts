import { runOk, type Run } from './exec.ts';

/** More than a normal tree needs. When a tree needs more, the removal fails, and the caller reports it and tries again. */
const LIMITS = Object.freeze({ dataBytes: 1024 ** 3, processorSeconds: 300, timeoutMs: 15 * 60_000 });

/**
 * Removes a tree that untrusted code wrote. `rm` does it in a separate process with limits, so that a million files, or folders deeper than
 * the longest path, do not block this process. Nothing is removed on another file system. @throws SLIP_EXEC_*
 */
export async function removeTree(path: string, run: Run): Promise<void> {
  const limits = [`--data=${String(LIMITS.dataBytes)}`, `--cpu=${String(LIMITS.processorSeconds)}`];
  const remove = ['nice', '-n', '10', 'rm', '-rf', '--one-file-system', '--', path];
  await runOk(run, { file: 'prlimit', args: [...limits, '--', ...remove], timeoutMs: LIMITS.timeoutMs });
}
