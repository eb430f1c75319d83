import { join } from 'node:path';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { DEFAULT_ENV, runOk, type Run } from '../../../shared/kit/exec.ts';
import { escapePattern } from './mksquashfs-argv.ts';
import type { CutRequest } from './port.ts';

const SCRIPT = join(import.meta.dirname, 'measure.sh');

/**
 * Refuses a tree with too many bytes to read before a program reads it. Sparse files need little disk space, but count in full.
 * @param leftOut folders that are not read
 * @throws SLIP_BUILD_TREE_TOO_LARGE
 */
export async function checkTreeSize(request: CutRequest, leftOut: readonly string[], run: Run): Promise<void> {
  const { bytes, entries } = request.treeLimits;
  const tests = leftOut.flatMap((path, index) => [...(index === 0 ? [] : ['-o']), '-path', `./${escapePattern(path)}`]);
  const result = await runOk(run, {
    file: '/bin/sh',
    args: [SCRIPT, String(bytes), String(entries), ...tests],
    cwd: request.appDir,
    env: { ...DEFAULT_ENV, LC_ALL: 'C' },
    signal: request.signal,
  });
  const [count = 0, sum = 0] = result.stdout.trim().split(' ').map(Number);
  if (sum > bytes) throw tooLarge(`contains more than ${gibibytes(bytes)}`);
  if (count > entries) throw tooLarge(`has more than ${String(entries)} files and folders`);
}

function tooLarge(what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_TREE_TOO_LARGE',
    message: `The finished app ${what}, so it is not packed. A sparse file counts with its full size, and a file with several hard links counts once for each link.`,
    hint: 'Let the build remove large files at its end, or list them in .slugignore; then push again. ls -lsR shows sizes and sparse files.',
    httpStatus: 422,
  });
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
