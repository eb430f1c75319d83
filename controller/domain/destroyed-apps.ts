import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** The record of a destroyed app. It stays until another app gets its range of user ids. */
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
