import type { AppId, UserId } from '../../shared/domain/ids.ts';

export interface EventQuery {
  readonly appId?: AppId | undefined;
  /** Events of the apps of this user. */
  readonly ownerId?: UserId | undefined;
  readonly node?: string | undefined;
  readonly instance?: string | undefined;
  /** Older than this one, newest first (as without it). */
  readonly beforeSeq?: number | undefined;
  /** Newer than this one, oldest first. */
  readonly afterSeq?: number | undefined;
  readonly limit: number;
}
