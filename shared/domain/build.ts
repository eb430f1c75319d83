import type { ConfigVars } from '../kit/sensitive.ts';
import type { Limits } from './assignment.ts';
import type { AppId, TaskId } from './ids.ts';
import type { AppName } from './names.ts';
import type { Slug } from './slug.ts';

/** How long the controller keeps a build while the session of its builder is interrupted. */
export const BUILDER_AWAY_MS = 120_000;

/** How long a builder repeats a failed transfer. It is shorter, so that the builder itself reports the failure of its build. */
export const TRANSFER_RETRY_MS = BUILDER_AWAY_MS - 30_000;

/** A build, as the controller hands it to a builder agent. The source tree is fetched from the controller by task id. */
export interface BuildTask {
  readonly kind: 'build';
  readonly taskId: TaskId;
  readonly appId: AppId;
  readonly app: AppName;
  readonly uidBase: number;
  readonly commit: string;
  /** Committer date; becomes the mtime of every file of the app layer. */
  readonly commitTimeMs: number;
  readonly stack: string;
  /** Becomes ENV_DIR. BUILDPACK_URL in it overrides the list below. */
  readonly config: ConfigVars;
  /** Buildpacks that the app's owner has set, in order; empty: app.json, .buildpacks, else detection. */
  readonly buildpacks: readonly string[];
  /** The folder of the repository that contains the source, for messages; absent: the whole repository. */
  readonly root?: string | undefined;
  readonly limits: Limits;
  /** A cache with another number is not used. Absent: the cache was never purged. */
  readonly cacheNumber?: number | undefined;
  readonly timeoutMs: number;
  /** Compressed slug limit. */
  readonly slugLimitBytes: number;
  /** Build output beyond this ends the build. */
  readonly outputLimitBytes: number;
}

/** Duration of each named step, ms, and bytes moved. */
export interface BuildStats {
  readonly timingsMs: Readonly<Record<string, number>>;
  /** Compressed bytes of source received by the builder. */
  readonly sourceBytes: number;
  /** Layer bytes uploaded to the controller (0 for layers that it already has). */
  readonly uploadedBytes: number;
}

export interface BuildResult {
  readonly slug: Slug;
  readonly stats: BuildStats;
}
