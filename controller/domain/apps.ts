import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { LimitSettings, PlacementRule, Stopped } from '../../shared/domain/placement.ts';

export interface App {
  readonly id: AppId;
  readonly name: AppName;
  readonly ownerId: UserId;
  /** Start of its range of 65536 uids. No other app has it, and no node has data of a former app that had it. */
  readonly uidBase: number;
  readonly stack: string;
  readonly createdAtMs: number;
  /** How long a node may be silent before the app's instances are replaced on other nodes; absent: the controller's default. */
  readonly lostAfterMs?: LostAfter | undefined;
  /** How many slugs before the current one are kept for a rollback; absent: the default. */
  readonly releasesKept?: number | undefined;
  /** What `ps:stop` stopped; absent: nothing. */
  readonly stopped?: Stopped | undefined;
  /** Present while deploys are refused. */
  readonly lock?: AppLock | undefined;
  /** The proxies answer web requests with a maintenance page. */
  readonly maintenance?: boolean | undefined;
}

/** Who locked the deploys of an app, and why. */
export interface AppLock {
  readonly why: string;
  readonly by: string;
  readonly atMs: number;
}

/** How long a former name leads to its app, so that an old git remote does not create a new app. */
export const FORMER_NAME_MS = 30 * 24 * 60 * 60_000;
/** Former names of one app that are kept. */
export const FORMER_NAMES_MAX = 5;

export type LostAfter = number | 'never';

/** A part of a list of apps, in the order of their names. */
export interface AppPage {
  /** Absent: the apps of all users. */
  readonly ownerId?: UserId | undefined;
  /** The part begins after this name. */
  readonly after?: AppName | string | undefined;
  readonly limit: number;
}

export interface ProcessSettingsChange {
  readonly placement?: PlacementRule | null;
  readonly limits?: LimitSettings | null;
}
