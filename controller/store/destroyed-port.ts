import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { DestroyedApp } from '../domain/destroyed-apps.ts';

/** Part of the store: the end of apps, and when their ranges of user ids may be used again. */
export interface DestroyedStore {
  /** The node is about to be given a build of the app. (Instances are noted with their assignment.) */
  noteAppNode(appId: AppId, nodeId: NodeId): Promise<void>;
  /**
   * In one transaction: the app and everything of it is gone, its name and its domains are free, its range is in quarantine, and
   * each node that was ever given something of the app has a new generation.
   * @returns the nodes that have to remove its data; undefined: there is no such app
   */
  destroyApp(appId: AppId, by: UserName): Promise<readonly NodeId[] | undefined>;
  /** Nothing of these apps is left on the node. @returns for how many destroyed apps the node is still awaited */
  acknowledgeDestroyed(nodeId: NodeId, appIds: readonly AppId[]): Promise<number>;
  /** Newest first: those in quarantine before those with a free range. */
  destroyedApps(limit: number): Promise<readonly DestroyedApp[]>;
  /** Destroyed apps of which the controller may still have files. */
  destroyedWithFiles(): Promise<readonly AppId[]>;
  /** The controller has no files of it any more. */
  destroyedFilesGone(appId: AppId): Promise<void>;
  /** Those of these ids that belong to no app. */
  unknownApps(appIds: readonly AppId[]): Promise<readonly AppId[]>;
  /** Those of these ids that belong to no build. */
  unknownBuilds(ids: readonly string[]): Promise<readonly string[]>;
}
