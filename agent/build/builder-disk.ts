import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { diskSpace, isDiskFull, requireDiskSpace, type ReadDiskSpace } from '../../shared/kit/disk.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/**
 * Runs a build where there is room for one. A disk that fills up meanwhile shows in many ways, all of which end in the same sentence.
 * @throws SLIP_DISK_FULL, and what the build throws
 */
export async function withBuilderDisk<T>(
  folder: string,
  work: () => Promise<T>,
  read: ReadDiskSpace = diskSpace,
): Promise<T> {
  await requireRoom(folder, read);
  try {
    return await work();
  } catch (error) {
    throw (await isDiskFull(folder, read)) ? builderDiskFull(error) : error;
  }
}

async function requireRoom(folder: string, read: ReadDiskSpace): Promise<void> {
  try {
    await ensureDir(folder, 0o711);
    await requireDiskSpace(folder, undefined, { read });
  } catch (error) {
    throw (error instanceof SlipwayError && error.code === 'SLIP_DISK_FULL') || (await isDiskFull(folder, read))
      ? builderDiskFull(error)
      : error;
  }
}

/** In the words of who pushes, who does not know the builder's folders. */
export function builderDiskFull(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISK_FULL',
    kind: 'transient',
    message: "The builder's disk is full, so nothing can be built there now.",
    hint: 'Its operator makes room on it (slipway nodes lists the nodes); then push again. Nothing was changed.',
    cause,
  });
}
