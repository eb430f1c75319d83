import type { App } from './apps.ts';
import type { AwaitedApp } from './destroyed-apps.ts';
import type { NodeRow } from './nodes.ts';
import type { Release } from './releases.ts';
import type { DesiredInstanceState, Limits } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { ProcessType } from '../../shared/domain/names.ts';

/** Why an instance takes the place of another. */
export type MoveReason = 'drain' | 'lost' | 'rebalance' | 'restart';

/** The stored part of an assignment. The rest comes from its release and app. */
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
  /** The instance that it replaces. That one stops after this one is live. */
  readonly replaces?: InstanceId | undefined;
  readonly moveReason?: MoveReason | undefined;
}

/** Changes of assignments in one transaction. The generation of each changed node grows by one. */
export interface AssignmentChange {
  readonly add: readonly AssignmentRow[];
  readonly setDesired: readonly { readonly instanceId: InstanceId; readonly desired: DesiredInstanceState }[];
  readonly remove: readonly InstanceId[];
}

/** The columns of a running instance that routes need. */
export type RunningRow = Pick<AssignmentRow, 'instanceId' | 'nodeId' | 'appId' | 'release' | 'processType' | 'desired'>;

/** Memory that the instances of a node may use, bytes. */
export interface PromisedMemory {
  readonly memoryBytes: number;
  /** The part of instances that are kept warm or are stopping, which becomes free soon. */
  readonly leavingBytes: number;
}

/** The rows of the desired states of some nodes, read in one transaction. */
export interface DesiredRows {
  readonly nodes: readonly Pick<NodeRow, 'id' | 'state' | 'generation'>[];
  readonly assignments: readonly AssignmentRow[];
  /** The apps of the assignments. */
  readonly apps: readonly App[];
  readonly releases: readonly Release[];
  /** Newest first, at most DESTROYED_PER_NODE_MAX of a node. */
  readonly destroyed: readonly AwaitedApp[];
}
