import type { AppId, InstanceId, NodeId, UserId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { App, AppPage } from '../domain/apps.ts';
import type { AppOverview } from '../domain/app-overview.ts';
import type { ReleaseLine } from '../domain/releases.ts';

/** Part of the store: lists that are read in parts of limited size, with a fixed number of queries for each part. */
export interface OverviewStore {
  /** Users that do not exist are absent. */
  userNames(ids: readonly UserId[]): Promise<ReadonlyMap<UserId, UserName>>;
  /** For each of these instances that moves: the node of its copy. */
  copyNodes(ids: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, NodeId>>;
  appPage(page: AppPage): Promise<readonly App[]>;
  countApps(ownerId?: UserId): Promise<number>;
  appOverviews(page: AppPage): Promise<readonly AppOverview[]>;
  /** Apps that have a release or instances, for work over all apps. Apps that were never deployed are left out. */
  deployedApps(): Promise<readonly App[]>;
  /** Newest first. */
  releaseLines(
    appId: AppId,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly ReleaseLine[]>;
}
