import type { AppId, Digest } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { KeptRelease } from '../domain/releases.ts';

/** The releases of an app whose slugs are not kept any more. */
export interface SlugRemoval {
  readonly app: AppName;
  readonly releases: readonly KeptRelease[];
}

/** Part of the store: what belongs to a release beside its row, and how long its slug is kept. */
export interface ReleaseStore {
  /** Adds to the output of the release phase. Text above {@link RELEASE_OUTPUT_BYTES_MAX} is dropped, and the output says so. */
  appendReleaseOutput(appId: AppId, version: number, text: string): Promise<void>;
  /** The output of the release phase. Undefined when the release had none. */
  releaseOutput(appId: AppId, version: number): Promise<string | undefined>;

  /** All releases of the history, oldest first, with the images that they still have. */
  keptReleases(appId: AppId): Promise<readonly KeptRelease[]>;
  /** @param slugs undefined sets the default again */
  setSlugsKept(appId: AppId, slugs: number | undefined): Promise<void>;
  /** @throws SLIP_RELEASE_UNKNOWN, SLIP_RELEASE_PRUNED, SLIP_RELEASE_PINS */
  pinRelease(appId: AppId, version: number, pinned: boolean): Promise<void>;
  /** Gives up the slugs that the app does not keep. The images stay on the disk until nothing uses them. @returns how many releases lost their slug */
  removeSlugs(appId: AppId): Promise<number>;
  /** Commits of pushes whose slugs are kept. */
  keptCommits(appId: AppId): Promise<ReadonlySet<string>>;
  /** What {@link removeSlugs} would do for every app, and the images that would be in use then. */
  planSlugRemovals(): Promise<{ readonly removals: readonly SlugRemoval[]; readonly inUse: ReadonlySet<Digest> }>;
}
