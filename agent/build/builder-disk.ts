import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { diskSpace, isDiskFull, requireDiskSpace, type ReadDiskSpace } from '../../shared/kit/disk.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** @throws SLIP_DISK_FULL if `folder` has no space for a build */
export async function requireBuilderDisk(folder: string, read: ReadDiskSpace = diskSpace): Promise<void> {
  try {
    await ensureDir(folder, 0o711);
    await requireDiskSpace(folder, undefined, { read });
  } catch (error) {
    const isFull = error instanceof SlipwayError && error.code === 'SLIP_DISK_FULL';
    throw isFull || (await isDiskFull(folder, read)) ? builderDiskFull(error) : error;
  }
}

/**
 * A disk that fills up during a build causes many different errors. All of them become the same error.
 * @throws SLIP_DISK_FULL, and what the build throws
 */
export async function namingFullDisk<T>(
  folder: string,
  build: () => Promise<T>,
  read: ReadDiskSpace = diskSpace,
): Promise<T> {
  try {
    return await build();
  } catch (error) {
    throw (await isDiskFull(folder, read)) ? builderDiskFull(error) : error;
  }
}

/** Names no folder, because the user who pushes does not know the folders of the builder. */
export function builderDiskFull(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISK_FULL',
    kind: 'transient',
    message: 'The disk of the builder is full, so it cannot build now.',
    hint: 'Ask the operator to free disk space on it (slipway nodes lists the nodes), then push again. Nothing was changed.',
    cause,
  });
}
