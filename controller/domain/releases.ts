import type { AppId, BuildId, UserId } from '../../shared/domain/ids.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { ReleaseState } from '../../shared/domain/states.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';

/** Immutable, except for its state. */
export interface Release {
  readonly appId: AppId;
  /** From 1, without a gap; old releases are removed (RELEASES_KEPT), and their numbers are not used again. */
  readonly version: number;
  readonly state: ReleaseState;
  readonly slug: Slug;
  readonly config: ConfigVars;
  readonly buildId?: BuildId | undefined;
  readonly userId: UserId;
  /** `Deploy abc1234`, `Set A, B config vars`. */
  readonly description: string;
  /** Ref to move when it becomes current, and the commit; absent for config releases. */
  readonly ref?: string | undefined;
  readonly createdAtMs: number;
  readonly failure?:
    { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
}

export type NewRelease = Omit<Release, 'version' | 'state' | 'createdAtMs' | 'failure'>;

/** A release without its slug and config, which may be large. */
export type ReleaseLine = Pick<Release, 'version' | 'state' | 'createdAtMs' | 'failure' | 'description' | 'userId'> & {
  readonly commit: string;
};
