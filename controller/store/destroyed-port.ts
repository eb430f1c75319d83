import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { DestroyedApp } from '../domain/destroyed-apps.ts';

/** Part of the store: the end of apps, and when their ranges of user ids may be used again. */
export interface DestroyedStore {
  /** Call it before the node gets a build of the app. (Instances are recorded with their assignment.) */
  noteAppNode(appId: AppId, nodeId: NodeId): Promise<void>;
  /**
   * In one transaction: removes the app and all its rows, keeps its names and its domains for its owner, puts its range in quarantine, and
   * raises the generation of each node that ever had data of the app.
   * @returns the nodes that must remove its data; undefined: the app does not exist
   */
  destroyApp(appId: AppId, by: UserName): Promise<readonly NodeId[] | undefined>;
  /** The node has no data of these apps any more. @returns the number of destroyed apps that still wait for the node */
  acknowledgeDestroyed(nodeId: NodeId, appIds: readonly AppId[]): Promise<number>;
  /** Newest first: those in quarantine before those with a free range. */
  destroyedApps(limit: number): Promise<readonly DestroyedApp[]>;
  /** Destroyed apps of which the controller may still have files. */
  destroyedWithFiles(): Promise<readonly AppId[]>;
  /** The controller has no files of the app any more. */
  destroyedFilesGone(appId: AppId): Promise<void>;
  /** Those of these ids that belong to no app. */
  unknownApps(appIds: readonly AppId[]): Promise<readonly AppId[]>;
  /** Those of these ids that belong to no build. */
  unknownBuilds(ids: readonly string[]): Promise<readonly string[]>;
}
