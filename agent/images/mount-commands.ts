import { readFile, realpath } from 'node:fs/promises';
import type { Layer } from '../../shared/domain/slug.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import { mountOf, parseMountinfo, type MountEntry } from './mountinfo.ts';

const TIMEOUT_MS = 30_000;

export async function readMounts(): Promise<readonly MountEntry[]> {
  return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Mounts a squashfs image on a loop device. The kernel frees the device after the last unmount. @throws SLIP_EXEC_FAILED */
export async function mountLoop(run: Run, image: string, target: string): Promise<void> {
  const args = ['-t', 'squashfs', '-o', 'loop,ro,nosuid,nodev', '--', image, target];
  await runOk(run, { file: 'mount', args, timeoutMs: TIMEOUT_MS });
}

/** True if nothing is mounted there afterwards. It is safe for overlays, because they hold the image themselves. */
export async function unmount(run: Run, target: string): Promise<boolean> {
  const result = await run({ file: 'umount', args: ['--', target], timeoutMs: TIMEOUT_MS });
  return result.code === 0 || /not mounted|no mount point|not found/i.test(result.stderr);
}

/**
 * Makes the mounts below a folder shared, so that an unmount reaches the mount namespaces of sandboxes (slaves). Otherwise they would hold each
 * layer and its loop device. It does nothing if an init system has made all mounts shared.
 */
export async function ensureShared(run: Run, path: string): Promise<void> {
  const dir = await realpath(path);
  const holder = mountOf(await readMounts(), dir);
  if (holder?.shared === true) return;
  if (holder?.mountPoint !== dir)
    await runOk(run, { file: 'mount', args: ['--rbind', '--', dir, dir], timeoutMs: TIMEOUT_MS });
  await runOk(run, { file: 'mount', args: ['--make-shared', '--', dir], timeoutMs: TIMEOUT_MS });
}

/**
 * Undoes {@link ensureShared} and unmounts everything below. A folder that is a separate file system stays mounted. A mount that another program
 * uses (such as a backup) is detached: the kernel removes it after its last use.
 */
export async function undoShared(run: Run, path: string): Promise<void> {
  const dir = await realpath(path);
  for (const options of [[], ['--lazy']]) {
    const mounts = await readMounts();
    const own = mounts.filter((mount) => mount.mountPoint === dir).at(-1);
    const targets = mounts
      .map((mount) => mount.mountPoint)
      .filter((target) => target.startsWith(`${dir}/`))
      .reverse();
    if (own !== undefined && own.root !== '/') targets.push(dir);
    if (targets.length > 0) await run({ file: 'umount', args: [...options, '--', ...targets], timeoutMs: TIMEOUT_MS });
  }
}

export function mountFailure(layer: Layer, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_MOUNT',
    kind: 'transient',
    message: `The layer "${layer.name}" could not be mounted on this node.`,
    hint: 'See the reason in the log of the agent. Usually the node has no free loop device or no free disk space.',
    cause,
    details: { digest: layer.digest },
  });
}
