import type { DesiredState, WithheldInstance } from '../../shared/domain/assignment.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import { readNodeFacts, type NodeFacts } from '../../shared/domain/node-facts.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { DesiredAck, Heartbeat, Hello } from '../../shared/rpc/messages.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { AgentSession } from './agent-session.ts';
import type { OutgoingState } from './outgoing-state.ts';
import { recordBoot, type BootHistory } from './duplicate-node.ts';

/** The state of one node in the memory of this controller process. */
export interface LiveNodeState {
  readonly id: NodeId;
  readonly name: string;
  /** Equal to the database column, which is written only when this value changes. */
  state: NodeState;
  /** The node gets no new instances. */
  cordoned: boolean;
  /** The controller moves its instances to other nodes. */
  draining: boolean;
  /** The controller runs replacements of its instances on other nodes. */
  lost: boolean;
  /** Its certificates were revoked, and it has not rejoined. */
  revoked: boolean;
  labels: Readonly<Record<string, string>>;
  facts: NodeFacts;
  session: AgentSession | undefined;
  lastSeenAtMs: number | undefined;
  load1: number;
  /** From the last heartbeat. */
  memoryFreeBytes: number | undefined;
  cachedApps: Set<string>;
  unreachablePeerIds: readonly string[];
  /** From the last heartbeat; undefined when the agent does not report it. */
  unreadableRequests: UnreadableRequests | undefined;
  /** The last answer to a desired state. */
  ack: DesiredAck | undefined;
  /** Why the agent version in the last Hello does not match the controller. */
  versionMismatch: Reason | undefined;
  /** From the last heartbeat: why the agent cannot prepare its machine. */
  hostFailure: Reason | undefined;
  /** Why the agent could not start, reported without a session. Cleared by the next session. */
  startFailure: Reason | undefined;
  /** The machines that used the identity of this node. */
  boots: BootHistory;
  statuses: Map<InstanceId, InstanceStatus>;
  /** The node has reported all its instances in this session. */
  reported: boolean;
  readonly routes: AppliedRoutes;
}

/** Which version of the route table a node serves. It survives the end of a session. */
interface AppliedRoutes {
  /** The last version that the proxy of the node is known to serve. */
  applied: number;
  /** The node did not apply the routes in time. Nothing waits for it until it serves the newest version. */
  late: boolean;
}

/** Receives reports of nodes before the registry replaces the previous ones. */
export interface NodeObserver {
  report(
    node: { readonly id: NodeId; readonly name: string },
    statuses: readonly InstanceStatus[],
    complete: boolean,
  ): void;
  heartbeat(node: { readonly id: NodeId; readonly name: string }, diskFreeBytes: number): void;
}

/** All nodes and their last reports. It is kept in memory only and rebuilt from Hello messages and reports. */
export class NodeRegistry {
  readonly #nodes = new Map<NodeId, LiveNodeState>();
  readonly #nodeOfInstance = new Map<InstanceId, LiveNodeState>();
  /** Instances whose release is too large to send, by node. */
  readonly #withheld = new Map<NodeId, ReadonlyMap<InstanceId, InstanceStatus>>();
  observer: NodeObserver | undefined;

  all(): Iterable<LiveNodeState> {
    return this.#nodes.values();
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(id: NodeId): LiveNodeState | undefined {
    return this.#nodes.get(id);
  }

  /** Adds a node, or updates the stored fields of a known one. */
  upsert(row: NodeRow): LiveNodeState {
    const known = this.#nodes.get(row.id);
    if (known !== undefined) return Object.assign(known, storedFields(row));
    const node: LiveNodeState = {
      id: row.id,
      name: row.name,
      ...storedFields(row),
      facts: readNodeFacts(row.facts ?? {}),
      session: undefined,
      lastSeenAtMs: undefined,
      load1: 0,
      memoryFreeBytes: undefined,
      cachedApps: new Set(),
      unreachablePeerIds: [],
      unreadableRequests: undefined,
      ack: undefined,
      versionMismatch: undefined,
      hostFailure: undefined,
      startFailure: undefined,
      boots: { seen: [] },
      statuses: new Map(),
      reported: false,
      routes: { applied: 0, late: false },
    };
    this.#nodes.set(row.id, node);
    return node;
  }

  remove(id: NodeId): void {
    this.retainStatuses(id, new Set());
    this.#withheld.delete(id);
    this.#nodes.delete(id);
  }

  status(id: InstanceId): InstanceStatus | undefined {
    return this.#nodeOfInstance.get(id)?.statuses.get(id) ?? this.#withheldStatus(id);
  }

  /** Records a desired state that was sent. @returns the instances that the node may report on */
  recordSent(
    id: NodeId,
    state: DesiredState,
    { withheld, reason: refusedReason }: OutgoingState,
  ): ReadonlySet<InstanceId> {
    const assigned = new Set(state.assignments.map(({ instanceId }) => instanceId));
    this.retainStatuses(id, assigned);
    const unsent = state.assignments.flatMap((one) => {
      const reason = withheld.get(one.instanceId);
      return reason === undefined ? [] : [[one.instanceId, statusOfWithheld(one, reason)] as const];
    });
    if (unsent.length === 0) this.#withheld.delete(id);
    else this.#withheld.set(id, new Map(unsent));
    const node = this.#nodes.get(id);
    if (node !== undefined && refusedReason !== undefined)
      node.ack = { kind: 'desiredAck', generation: state.generation, reason: refusedReason };
    return assigned;
  }

  /** The agent never received these releases, so it sends no status of their instances. */
  #withheldStatus(id: InstanceId): InstanceStatus | undefined {
    for (const [nodeId, unsent] of this.#withheld) {
      const status = unsent.get(id);
      if (status !== undefined) return this.#nodes.get(nodeId)?.reported === true ? status : undefined;
    }
    return undefined;
  }

  /** @param complete the list contains every instance of the node */
  report(node: LiveNodeState, statuses: readonly InstanceStatus[], complete: boolean): void {
    this.observer?.report(node, statuses, complete);
    if (complete) this.retainStatuses(node.id, new Set());
    node.reported ||= complete;
    for (const status of statuses) {
      node.statuses.set(status.instanceId, status);
      this.#nodeOfInstance.set(status.instanceId, node);
    }
  }

  /** Drops former reports, because the machine may have rebooted since then. */
  sessionStarted(
    node: LiveNodeState,
    { bootId, cachedAppIds }: Pick<Hello, 'cachedAppIds' | 'bootId'>,
    address: string,
  ): void {
    this.retainStatuses(node.id, new Set());
    if (bootId !== undefined) node.boots = recordBoot(node.boots, { bootId, address });
    node.cachedApps = new Set(cachedAppIds);
    if (node.state !== 'ready') node.routes.late = false; // it was away for long and receives the whole table again
    [node.hostFailure, node.startFailure, node.unreadableRequests] = [undefined, undefined, undefined];
    node.reported = false;
  }

  heartbeat(node: LiveNodeState, beat: Heartbeat): void {
    this.observer?.heartbeat(node, beat.diskFreeBytes);
    node.load1 = beat.load1;
    node.unreachablePeerIds = beat.unreachablePeerIds ?? [];
    node.unreadableRequests = beat.unreadableRequests;
    node.memoryFreeBytes = beat.memoryFreeBytes;
    node.hostFailure = beat.host?.failure;
    node.facts = {
      ...node.facts,
      diskFreeBytes: beat.diskFreeBytes,
      missing: beat.host?.missing ?? node.facts.missing,
    };
  }

  /** Drops the statuses of instances that are no longer assigned to the node. */
  retainStatuses(id: NodeId, assigned: ReadonlySet<InstanceId>): void {
    const node = this.#nodes.get(id);
    for (const instanceId of [...(node?.statuses.keys() ?? [])].filter((known) => !assigned.has(known))) {
      node?.statuses.delete(instanceId);
      this.#nodeOfInstance.delete(instanceId);
    }
  }
}

function statusOfWithheld({ instanceId, desired }: WithheldInstance, reason: Reason): InstanceStatus {
  return {
    instanceId,
    state: desired === 'stop' ? 'stopped' : 'failed',
    reason,
    restarts: 0,
    lastLines: [],
    timingsMs: {},
  };
}

function storedFields(
  row: NodeRow,
): Pick<LiveNodeState, 'state' | 'cordoned' | 'draining' | 'lost' | 'revoked' | 'labels'> {
  const { state, cordoned, labels } = row;
  const marks = {
    draining: row.drainUntilMs !== undefined,
    lost: row.lostAtMs !== undefined,
    revoked: row.revokedAtMs !== undefined,
  };
  return { state, cordoned, labels, ...marks };
}
