import type { AppId, InstanceId, NodeId, UserId } from '../../shared/domain/ids.ts';
import type { AppName, UserName } from '../../shared/domain/names.ts';
import type { Formation, ProcessSettings } from '../../shared/domain/placement.ts';
import type { App, AssignmentRow, Build, Release } from './records.ts';

/** A release without its slug and config, which may be large. */
export type ReleaseLine = Pick<Release, 'version' | 'state' | 'createdAtMs' | 'failure' | 'description' | 'userId'> & {
  readonly commit: string;
};

/** What a screen of many apps needs of each of them. */
export interface AppOverview {
  readonly app: App;
  readonly current: (ReleaseLine & { readonly processTypes: Readonly<Record<string, string>> }) | undefined;
  /** Newest release of any state. */
  readonly latest: ReleaseLine | undefined;
  readonly latestBuild: Build | undefined;
  readonly formation: Formation;
  readonly settings: Readonly<Record<string, ProcessSettings>>;
  readonly rows: readonly AssignmentRow[];
}

/** A part of a list of apps, in the order of their names. */
export interface AppPage {
  /** Absent: the apps of all users. */
  readonly ownerId?: UserId | undefined;
  /** The part begins after this name. */
  readonly after?: AppName | string | undefined;
  readonly limit: number;
}

/** Part of the store: lists that are read in parts of limited size, with a fixed number of queries for each part. */
export interface LookStore {
  /** Users that do not exist are absent. */
  userNames(ids: readonly UserId[]): Promise<ReadonlyMap<UserId, UserName>>;
  /** Of these instances, those that move: the node of the copy. */
  copyNodes(ids: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, NodeId>>;
  appPage(page: AppPage): Promise<readonly App[]>;
  countApps(ownerId?: UserId): Promise<number>;
  appOverviews(page: AppPage): Promise<readonly AppOverview[]>;
  /** Apps that have a release or instances, for work over all apps. Apps that were never deployed cost nothing there. */
  deployedApps(): Promise<readonly App[]>;
  /** Newest first. */
  releaseLines(
    appId: AppId,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly ReleaseLine[]>;
}
