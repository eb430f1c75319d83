import type { HealthChecks } from '../../shared/domain/health-check.ts';
import type { AppId, BuildId, Digest, UserId } from '../../shared/domain/ids.ts';
import type { ReleaseCause } from '../../shared/domain/release-cause.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { ReleaseState } from '../../shared/domain/states.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';

/** Immutable, except for its state and its pin. */
export interface Release {
  readonly appId: AppId;
  /** From 1, without a gap; old releases are removed (RELEASES_KEPT), and their numbers are not used again. */
  readonly version: number;
  readonly state: ReleaseState;
  readonly cause: ReleaseCause;
  /** The release whose slug this one has: the former version of a rollback, or the version of the other app of a promotion. */
  readonly sourceVersion?: number | undefined;
  readonly slug: Slug;
  readonly config: ConfigVars;
  readonly buildId?: BuildId | undefined;
  readonly userId: UserId;
  /** `Deploy abc1234`, `Set A, B config vars`, `Rollback to v7`. */
  readonly description: string;
  /** The ref whose push or archive made the slug. Absent: it came from another app. The git refs follow it when the release becomes current. */
  readonly ref?: string | undefined;
  /** Its slug is kept for ever. */
  readonly pinned: boolean;
  readonly createdAtMs: number;
  readonly failure?:
    { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
  /** The health checks of checks:set that it has. They take the place of those in the slug. */
  readonly checks?: HealthChecks | undefined;
}

/** Without checks, it has those that are set for the app. */
export type NewRelease = Omit<Release, 'version' | 'state' | 'pinned' | 'createdAtMs' | 'failure'>;

/** A release of the history, with the images that its slug still has. */
export interface KeptRelease {
  readonly version: number;
  readonly state: ReleaseState;
  readonly pinned: boolean;
  /** Sorted. Empty: the release failed, or its slug was removed. */
  readonly digests: readonly Digest[];
}

/** The releases of one app, and what depends on them. */
export interface KeptReleases {
  readonly releases: readonly KeptRelease[];
  /** Versions with instances: they run, are on standby, or are being stopped. */
  readonly placed: ReadonlySet<number>;
  /** How many slugs before the current one are kept. */
  readonly slugsKept: number;
}

/** A release without its slug and config, which may be large. */
export type ReleaseLine = Pick<
  Release,
  'version' | 'state' | 'createdAtMs' | 'failure' | 'description' | 'userId' | 'cause' | 'sourceVersion' | 'pinned'
> & {
  readonly commit: string;
};
