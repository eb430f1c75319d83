import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import { mountLoop, unmount } from './mount-commands.ts';

export const DEFAULT_IDMAP_SCRIPT: string = fileURLToPath(new URL('./idmap.pl', import.meta.url));

export const PROBE_PREFIX = 'probe-';

const TIMEOUT_MS = 30_000;
const PROBE_UID = 536_871_912;

/** Mounts a clone of a mount on an empty folder, where files of root belong to `ownerUid`. @throws SLIP_EXEC_* */
export async function mountIdmapped(
  run: Run,
  script: string,
  clone: { source: string; target: string; ownerUid: number },
): Promise<void> {
  const args = [script, clone.source, clone.target, String(clone.ownerUid), arch()];
  await runOk(run, { file: 'perl', args, timeoutMs: TIMEOUT_MS });
}

/** Tests idmapped squashfs mounts with a tiny image. @returns why they do not work; undefined if they work */
export async function probeIdmap(run: Run, script: string, parentDir: string): Promise<string | undefined> {
  const dir = await mkdtemp(join(parentDir, PROBE_PREFIX));
  const [base, clone] = [join(dir, 'base'), join(dir, 'clone')];
  try {
    await mkdir(base);
    await mkdir(clone);
    const image = join(dir, 'probe.sqfs');
    const args = [base, image, '-all-root', '-noId', '-no-xattrs', '-no-progress', '-quiet'];
    await runOk(run, { file: 'mksquashfs', args, timeoutMs: TIMEOUT_MS });
    await mountLoop(run, image, base);
    await mountIdmapped(run, script, { source: base, target: clone, ownerUid: PROBE_UID });
    return (await stat(clone)).uid === PROBE_UID ? undefined : 'the clone kept its owner';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await removeProbe(run, dir);
  }
}

/** Also for a probe that a crash interrupted. */
export async function removeProbe(run: Run, dir: string): Promise<void> {
  await unmount(run, join(dir, 'clone'));
  await unmount(run, join(dir, 'base'));
  await rm(dir, { recursive: true, force: true });
}
