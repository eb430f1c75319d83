import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { LimitSettings, PlacementRule } from '../../shared/domain/placement.ts';

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
}

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
