import { statfs } from 'node:fs/promises';
import { SlipwayError } from './errors.ts';

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  readonly totalInodes: number;
}

/** A port, so that a test can have a full disk. */
export type ReadDiskSpace = (path: string) => Promise<DiskSpace>;

/** The space of the file system that holds `path`, for a user without privileges. */
export async function diskSpace(path: string): Promise<DiskSpace> {
  const stats = await statfs(path);
  return {
    freeBytes: stats.bavail * stats.bsize,
    totalBytes: stats.blocks * stats.bsize,
    freeInodes: stats.ffree,
    totalInodes: stats.files,
  };
}

export interface DiskReserve {
  readonly bytes: number;
  readonly share: number;
}

/** This much stays free, so that the database can be written and an operator can clean up. */
export const DEFAULT_DISK_RESERVE: DiskReserve = Object.freeze({ bytes: 256 * 1024 * 1024, share: 0.02 });

/** What is about to be written, and where the figures come from. */
export interface DiskDemand {
  readonly neededBytes?: number | undefined;
  readonly read?: ReadDiskSpace | undefined;
}

/** Call it before the write. @throws SLIP_DISK_FULL with the folder and its free space */
export async function requireDiskSpace(
  path: string,
  reserve: DiskReserve = DEFAULT_DISK_RESERVE,
  demand: DiskDemand = {},
): Promise<void> {
  const space = await (demand.read ?? diskSpace)(path);
  const wanted = Math.min(reserve.bytes, space.totalBytes * 0.5);
  const outOfBytes = space.freeBytes - (demand.neededBytes ?? 0) < Math.max(wanted, space.totalBytes * reserve.share);
  if (outOfBytes || isOutOfInodes(space)) throw diskFull(path, space);
}

/** With less free space than this, a full disk is the likely cause of a failure. */
const NOTHING_LEFT_BYTES = 8 * 1024 * 1024;

/** True when the disk is full. ENOSPC may be hidden in the exit code of another program or in an I/O error of a loop device. */
export async function isDiskFull(path: string, read: ReadDiskSpace = diskSpace): Promise<boolean> {
  const space = await read(path).catch(() => undefined);
  if (space === undefined) return false;
  return space.freeBytes < Math.min(NOTHING_LEFT_BYTES, space.totalBytes * 0.5) || isOutOfInodes(space);
}

function isOutOfInodes(space: DiskSpace): boolean {
  return space.totalInodes > 0 && space.freeInodes < 100;
}

/** The error for a full disk: ENOSPC during a write (`cause`), or too little space to begin. */
export function diskFull(path: string, space: DiskSpace, cause?: unknown): SlipwayError {
  const left = isOutOfInodes(space)
    ? `${String(space.freeInodes)} inodes`
    : `${String(Math.floor(space.freeBytes / (1024 * 1024)))} MB`;
  return new SlipwayError({
    code: 'SLIP_DISK_FULL',
    kind: 'transient',
    httpStatus: 507,
    message: `The disk is full: ${left} free under ${path}.`,
    hint: 'Free some space there and try again; nothing was changed.',
    cause,
    details: { path, freeBytes: space.freeBytes },
  });
}
