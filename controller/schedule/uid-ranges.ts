import { FIRST_UID_BASE, UIDS_PER_APP } from '../../shared/domain/uid-range.ts';

/** The last range ends below the sign bit of a 32-bit uid. */
export const UID_RANGES = (0x7fff0000 - FIRST_UID_BASE) / UIDS_PER_APP;

/**
 * Ranges that are skipped after a restore. The restored database does not know the ranges of apps that were created after the backup,
 * and nodes may still have files of these apps. Fewer apps than this are expected between two backups.
 */
export const RANGES_SKIPPED_AT_RESTORE = 1_024;

export interface RangeTable {
  /** Ranges below this number were given to an app at some time. */
  readonly next: number;
  /** First uid of the range that has been free for the longest time. Absent: no used range is free again. */
  readonly longestFree?: number | undefined;
}

export interface RangeChoice {
  readonly uidBase: number;
  /** {@link RangeTable.next} afterwards. */
  readonly next: number;
}

/**
 * Chooses the range of a new app. A range that is free again is used before a new one, so that ranges do not run out. Undefined: every
 * range is in use or in quarantine.
 */
export function chooseRange({ next, longestFree }: RangeTable): RangeChoice | undefined {
  if (longestFree !== undefined) return { uidBase: longestFree, next };
  return next < UID_RANGES ? { uidBase: FIRST_UID_BASE + next * UIDS_PER_APP, next: next + 1 } : undefined;
}

/** {@link RangeTable.next} after a restore. */
export function nextAfterRestore(next: number): number {
  return Math.min(UID_RANGES, next + RANGES_SKIPPED_AT_RESTORE);
}
