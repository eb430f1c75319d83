import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { NodeFacts } from '../../shared/domain/node-facts.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { NodeRow } from '../domain/nodes.ts';

/** A node as it is now: its last facts, and what the controller knows about it. */
export interface LiveNode extends NodeFacts {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly state: NodeState;
  /** Gets no new instances. */
  readonly cordoned: boolean;
  /** Cordoned, and the instances it has are moved away. */
  readonly draining: boolean;
  /** Silent for so long that its instances are replaced elsewhere until it is back. */
  readonly lost: boolean;
  /** Its certificates were revoked, and it has not rejoined. */
  readonly revoked: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** True while its session is open. */
  readonly connected: boolean;
  /** Monotonic ms of the last word from it; absent before the first in this life of the controller. */
  readonly lastSeenAtMs?: number | undefined;
  readonly platform: string;
  /** Its agent is connected, and of a version that does not go with ours; the hint is the command that mends it. */
  readonly versionTrouble?: Reason | undefined;
  /** Why its agent cannot put its machine right or, while it is not connected, could not start. */
  readonly trouble?: Reason | undefined;
  readonly load1: number;
  /** Of its last heartbeat; absent before the first. */
  readonly memoryFreeBytes?: number | undefined;
  /** `address:port` for other nodes; empty when it takes no requests of theirs. */
  readonly meshAddress: string;
  /** It is connected, and its agent is too old to know which private networks an operator has opened. */
  readonly egressIgnored?: boolean | undefined;
  /** It is connected, and its agent removes the data of destroyed apps. */
  readonly removesDestroyed: boolean;
  /** Why it does not do what this controller wants: its last answer, while it is connected. */
  readonly refusal?: Reason | undefined;
  /** Why it does not take over the fleet's routes, while it is connected. */
  readonly routesRefusal?: Reason | undefined;
  /** It has not answered to a change of the routes in time. */
  readonly routesLate?: boolean | undefined;
  /** Nodes it would send requests to and cannot reach. */
  readonly unreachablePeerIds: readonly string[];
  /** Absent when its agent does not say. */
  readonly unreadableRequests?: UnreadableRequests | undefined;
}

export interface AppLogQuery {
  readonly appId: AppId;
  readonly app: AppName;
  readonly process?: string | undefined;
  /** Only lines of the app, or only those of router and platform; all when absent. */
  readonly source?: LogLine['source'] | undefined;
  readonly lines: number;
  readonly follow: boolean;
}

/** The live half of the fleet: who is connected and what they report. Nothing of it is in the database. */
export interface Fleet {
  nodes(): readonly LiveNode[];
  node(nodeId: NodeId): LiveNode | undefined;
  status(instanceId: InstanceId): InstanceStatus | undefined;
  /** What a node last reported of its instances. */
  statusesOn(nodeId: NodeId): readonly InstanceStatus[];
  /** Reads the node's desired state from the store and sends it; a no-op when it is not connected (it gets all on Hello). */
  publish(nodeId: NodeId): Promise<void>;
  /** Takes in a row that somebody changed in the database. A removed node's session ends at once. */
  nodeChanged(row: NodeRow): void;
  /** What an agent that cannot start says of itself; of no worth once it has. */
  startFailed(nodeId: NodeId, trouble: Reason): void;
  /** Calls back after any report or (dis)connection, with the node. Returns the unsubscribe function. */
  onChange(listener: (nodeId: NodeId) => void): () => void;
  /**
   * Resolves when every node that is not known to be unreachable sends requests for the app to where it now runs: at once when that has not
   * changed, and after a minute at the latest (`route-waits.ts`). Never rejects. Call it before instances lose their place.
   * @param leaving instances about to lose it: no node sends them requests of other nodes any more
   */
  routesApplied(appId: AppId, signal: AbortSignal, leaving?: readonly InstanceId[]): Promise<void>;
  /** Why the app gets no requests: the fleet's route table has no room for it. Undefined: it has. */
  leftOutOfRoutes(appId: AppId): Reason | undefined;
  /** Sends every node the private networks that sandboxes may reach now. Never rejects. */
  egressChanged(): Promise<void>;
  /** Merged log lines of every connected node, oldest first where `follow` is false. */
  logs(query: AppLogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}
