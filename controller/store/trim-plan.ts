import type { BuildId } from '../../shared/domain/ids.ts';
import { RELEASES_KEPT } from '../../shared/domain/history.ts';
import type { BuildState, ReleaseState } from '../../shared/domain/states.ts';

/** Most rows removed in one step. It is more than one push adds, so a long history of an older version gets shorter too. */
export const TRIM_ROWS = 50;

/** Input of the plan for the releases of one app. The number of rows does not grow with the history. */
export interface ReleaseHistory {
  /** Highest version. */
  readonly newest: number;
  /** Oldest first, as many as one step reads. */
  readonly oldest: readonly { readonly version: number; readonly state: ReleaseState; readonly pinned: boolean }[];
  /** Versions with instances: they run, are warm, or are being stopped. */
  readonly placed: ReadonlySet<number>;
  /** The newest superseded one: the app served it before the current one. */
  readonly servedLast: number | undefined;
}

const TRIMMED_STATES: ReadonlySet<ReleaseState> = new Set(['superseded', 'failed']);

/** Pure: versions to remove. The newest is never one of them, so a number is never used again. */
export function planReleaseTrim({ newest, oldest, placed, servedLast }: ReleaseHistory): readonly number[] {
  return oldest
    .filter(({ version, state }) => version <= newest - RELEASES_KEPT && TRIMMED_STATES.has(state))
    .filter(({ version, pinned }) => !pinned && !placed.has(version) && version !== servedLast)
    .map(({ version }) => version)
    .slice(0, TRIM_ROWS);
}

/** A build that is older than the newest ones. */
export interface OldBuild {
  readonly id: BuildId;
  readonly state: BuildState;
  /** A kept release uses this build. */
  readonly released: boolean;
}

const ENDED: ReadonlySet<BuildState> = new Set(['succeeded', 'failed', 'cancelled']);

/** Pure: builds to remove, the oldest first. @param old oldest first */
export function planBuildTrim(old: readonly OldBuild[]): readonly BuildId[] {
  return old
    .filter(({ state, released }) => ENDED.has(state) && !released)
    .map(({ id }) => id)
    .slice(0, TRIM_ROWS);
}
