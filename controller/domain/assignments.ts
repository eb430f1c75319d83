import type { App } from './apps.ts';
import type { AwaitedApp } from './destroyed-apps.ts';
import type { NodeRow } from './nodes.ts';
import type { Release } from './releases.ts';
import type { DesiredInstanceState, Limits } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { ProcessType } from '../../shared/domain/names.ts';

/** Why an instance takes the place of another. */
export type MoveReason = 'drain' | 'lost' | 'rebalance' | 'restart';

/** Durable half of an assignment; the rest comes from its release and app. */
export interface AssignmentRow {
  readonly instanceId: InstanceId;
  readonly nodeId: NodeId;
  readonly appId: AppId;
  readonly release: number;
  readonly processType: ProcessType;
  readonly ordinal: number;
  readonly limits: Limits;
  readonly desired: DesiredInstanceState;
  readonly createdAtMs: number;
  /** The instance whose place it takes; the older one goes once this one is live. */
  readonly replaces?: InstanceId | undefined;
  readonly moveReason?: MoveReason | undefined;
}

/** Changes of the assignments of one transaction: every node touched gets its generation raised by one. */
export interface AssignmentChange {
  readonly add: readonly AssignmentRow[];
  readonly setDesired: readonly { readonly instanceId: InstanceId; readonly desired: DesiredInstanceState }[];
  readonly remove: readonly InstanceId[];
}

/** An instance that should run, as far as routes go. */
export type RunningRow = Pick<AssignmentRow, 'instanceId' | 'nodeId' | 'appId' | 'release' | 'processType' | 'desired'>;

/** Memory that the instances of a node may use, bytes. */
export interface PromisedMemory {
  readonly memoryBytes: number;
  /** The part of it that comes back by itself: of instances that are kept warm or are being stopped. */
  readonly leavingBytes: number;
}

/** What the desired states of some nodes are made of, all of one moment. */
export interface DesiredRows {
  readonly nodes: readonly Pick<NodeRow, 'id' | 'state' | 'generation'>[];
  readonly assignments: readonly AssignmentRow[];
  /** Those the assignments name. */
  readonly apps: readonly App[];
  readonly releases: readonly Release[];
  /** Newest first, at most DESTROYED_PER_NODE_MAX of a node. */
  readonly destroyed: readonly AwaitedApp[];
}
