import { statfs } from 'node:fs/promises';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import { humanBytes } from './heroku-output.ts';

/** Two manifests of 1 MiB, lists of 64 kB each, and the output of tar and curl. The memory counts as the build's own. */
const RESULT_BYTES = 16 * 1024 * 1024;
const RESULT_FILES = 1024;
const TIMEOUT_MS = 60_000;

/**
 * Mounts a small file system in memory on the folder for the results of a build. Untrusted code writes there, so bytes and files are
 * limited, and one unmount removes all of it.
 */
export async function mountResultDisk(folder: string, owner: number, run: Run): Promise<void> {
  const limits = `size=${String(RESULT_BYTES)},nr_inodes=${String(RESULT_FILES)}`;
  const options = `${limits},mode=0700,uid=${String(owner)},gid=${String(owner)},nosuid,nodev`;
  await runOk(run, {
    file: 'mount',
    args: ['-t', 'tmpfs', '-o', options, 'slipway-result', folder],
    timeoutMs: TIMEOUT_MS,
  });
}

/** The error for a build that could not report its failure because the folder was full; else `undefined`. */
export async function resultFullFailure(folder: string): Promise<SlipwayError | undefined> {
  const { bfree, ffree, bsize, blocks } = await statfs(folder);
  const isOurs = bsize * blocks <= RESULT_BYTES;
  if (!isOurs || (bfree > 0 && ffree > 0)) return undefined;
  return new SlipwayError({
    code: 'SLIP_BUILD_RESULT_FULL',
    message: `The build filled the folder for its results. The limit is ${humanBytes(RESULT_BYTES)} and ${String(RESULT_FILES)} files.`,
    hint: 'Buildpacks must not write into /run/slipway-result. Change the buildpack to write to its cache or to /tmp, then push again.',
  });
}
