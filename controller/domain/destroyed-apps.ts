import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** What stays of an app until its range of user ids is free, and after that until another app gets the range. */
export interface DestroyedApp {
  readonly appId: AppId;
  readonly name: AppName;
  readonly uidBase: number;
  readonly destroyedAtMs: number;
  /** Absent while the range is in quarantine. */
  readonly freeAtMs?: number | undefined;
  /** Nodes that may still hold data of the app. */
  readonly awaited: readonly NodeId[];
}

/** A destroyed app of which a node may hold data. */
export interface AwaitedApp {
  readonly nodeId: NodeId;
  readonly appId: AppId;
  readonly uidBase: number;
}

/** Most destroyed apps in one desired state. The next ones follow when these are acknowledged. */
export const DESTROYED_PER_NODE_MAX = 100;
