import { z } from 'zod';
import type { DesiredState, WithheldInstance } from '../../shared/domain/assignment.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { DesiredAck, Heartbeat, Hello, NodeFacts } from '../../shared/rpc/messages.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { AgentSession } from './agent-session.ts';
import type { LiveNode } from './port.ts';
import type { OutgoingState } from './outgoing-state.ts';
import { afterHello, twinTrouble, type Boots } from './twins.ts';

const storedFacts = z.object({
  agentVersion: z.string().catch(''),
  os: z.string().catch(''),
  kernel: z.string().catch(''),
  arch: z.string().catch(''),
  cpus: z.number().catch(0),
  memoryBytes: z.number().catch(0),
  diskBytes: z.number().catch(0),
  diskFreeBytes: z.number().catch(0),
  sandboxDriver: z.string().catch(''),
  stacks: z.array(z.string()).catch([]),
  proxyVersion: z.string().catch(''),
  missing: z.array(z.string()).catch([]),
  builder: z.boolean().catch(false),
  httpAddress: z.string().catch(''),
  meshAddress: z.string().catch(''),
  sandboxSubnet: z.string().catch(''),
  routeNamesMax: z.number().catch(0),
});

/** One node as this life of the controller knows it. */
export interface KnownNode {
  readonly id: NodeId;
  readonly name: string;
  /** As stored; changed in the database only when it differs. */
  state: NodeState;
  /** Gets no new instances; `draining`: those it has are moved away. */
  cordoned: boolean;
  draining: boolean;
  /** Its instances are replaced elsewhere until it is back. */
  lost: boolean;
  /** Its certificates were revoked, and it has not rejoined. */
  revoked: boolean;
  labels: Readonly<Record<string, string>>;
  facts: NodeFacts;
  session: AgentSession | undefined;
  lastSeenAtMs: number | undefined;
  load1: number;
  /** Of the last heartbeat. */
  memoryFreeBytes: number | undefined;
  cachedApps: Set<string>;
  unreachablePeerIds: readonly string[];
  /** Of the last heartbeat; absent from agents that do not say. */
  unreadableRequests: UnreadableRequests | undefined;
  /** Its last answer to a desired state. */
  ack: DesiredAck | undefined;
  /** Of the version that said the last Hello. */
  versionTrouble: Reason | undefined;
  /** Why its agent cannot put its machine right: of the last heartbeat. */
  trouble: Reason | undefined;
  /** Why its agent could not start, told outside of any session; of no worth once there is one. */
  startTrouble: Reason | undefined;
  /** Boots of machines that were this node. */
  boots: Boots;
  statuses: Map<InstanceId, InstanceStatus>;
  /** It has reported all its instances in this session. */
  reported: boolean;
  readonly routes: RoutesTaken;
}

/** How far a node is with the fleet's route table, whatever its session. */
interface RoutesTaken {
  /** Version that its proxy served last, in this life of the controller. */
  applied: number;
  /** It did not take the routes in time. It is not waited for again until it has caught up. */
  late: boolean;
}

/** Hears what nodes say, before it replaces what they said before. */
export interface NodeObserver {
  report(
    node: { readonly id: NodeId; readonly name: string },
    statuses: readonly InstanceStatus[],
    complete: boolean,
  ): void;
  heartbeat(node: { readonly id: NodeId; readonly name: string }, diskFreeBytes: number): void;
}

/** Who is there and what they said: memory only, rebuilt from Hellos and reports. */
export class NodeBook {
  readonly #nodes = new Map<NodeId, KnownNode>();
  readonly #nodeOfInstance = new Map<InstanceId, KnownNode>();
  /** Of each node, the instances whose release is too large to be sent. */
  readonly #withheld = new Map<NodeId, ReadonlyMap<InstanceId, InstanceStatus>>();
  observer: NodeObserver | undefined;

  all(): Iterable<KnownNode> {
    return this.#nodes.values();
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(id: NodeId): KnownNode | undefined {
    return this.#nodes.get(id);
  }

  /** Takes a row in; what is known of the node already stays. */
  learn(row: NodeRow): KnownNode {
    const known = this.#nodes.get(row.id);
    if (known !== undefined) return Object.assign(known, durable(row));
    const node: KnownNode = {
      id: row.id,
      name: row.name,
      ...durable(row),
      facts: storedFacts.parse(row.facts ?? {}),
      session: undefined,
      lastSeenAtMs: undefined,
      load1: 0,
      memoryFreeBytes: undefined,
      cachedApps: new Set(),
      unreachablePeerIds: [],
      unreadableRequests: undefined,
      ack: undefined,
      versionTrouble: undefined,
      trouble: undefined,
      startTrouble: undefined,
      boots: { seen: [] },
      statuses: new Map(),
      reported: false,
      routes: { applied: 0, late: false },
    };
    this.#nodes.set(row.id, node);
    return node;
  }

  forget(id: NodeId): void {
    this.keepStatuses(id, new Set());
    this.#withheld.delete(id);
    this.#nodes.delete(id);
  }

  status(id: InstanceId): InstanceStatus | undefined {
    return this.#nodeOfInstance.get(id)?.statuses.get(id) ?? this.#withheldStatus(id);
  }

  /** Records the state that a node was sent. @returns the instances that the node may report on */
  sent(id: NodeId, state: DesiredState, { withheld, refusal }: OutgoingState): ReadonlySet<InstanceId> {
    const own = new Set(state.assignments.map((one) => one.instanceId));
    this.keepStatuses(id, own);
    const untold = state.assignments.flatMap((one) => {
      const reason = withheld.get(one.instanceId);
      return reason === undefined ? [] : [[one.instanceId, statusOfWithheld(one, reason)] as const];
    });
    if (untold.length === 0) this.#withheld.delete(id);
    else this.#withheld.set(id, new Map(untold));
    const node = this.#nodes.get(id);
    if (node !== undefined && refusal !== undefined)
      node.ack = { kind: 'desiredAck', generation: state.generation, refusal };
    return own;
  }

  /** An agent does not report an instance whose release it was never sent. */
  #withheldStatus(id: InstanceId): InstanceStatus | undefined {
    for (const [nodeId, untold] of this.#withheld) {
      const status = untold.get(id);
      if (status !== undefined) return this.#nodes.get(nodeId)?.reported === true ? status : undefined;
    }
    return undefined;
  }

  /** @param complete what is not in the list is not on the node */
  report(node: KnownNode, statuses: readonly InstanceStatus[], complete: boolean): void {
    this.observer?.report(node, statuses, complete);
    if (complete) this.keepStatuses(node.id, new Set());
    node.reported ||= complete;
    for (const status of statuses) {
      node.statuses.set(status.instanceId, status);
      this.#nodeOfInstance.set(status.instanceId, node);
    }
  }

  /** What was reported before it was away may be wrong by now: its machine may have started anew. */
  begin(node: KnownNode, { bootId, cachedAppIds }: Pick<Hello, 'cachedAppIds' | 'bootId'>, address: string): void {
    this.keepStatuses(node.id, new Set());
    if (bootId !== undefined) node.boots = afterHello(node.boots, { bootId, address });
    node.cachedApps = new Set(cachedAppIds);
    if (node.state !== 'ready') node.routes.late = false; // it has been away for long, and gets everything anew
    [node.trouble, node.startTrouble, node.unreadableRequests] = [undefined, undefined, undefined];
    node.reported = false;
  }

  heartbeat(node: KnownNode, beat: Heartbeat): void {
    this.observer?.heartbeat(node, beat.diskFreeBytes);
    node.load1 = beat.load1;
    node.unreachablePeerIds = beat.unreachablePeerIds ?? [];
    node.unreadableRequests = beat.unreadableRequests;
    node.memoryFreeBytes = beat.memoryFreeBytes;
    node.trouble = beat.host?.trouble;
    node.facts = {
      ...node.facts,
      diskFreeBytes: beat.diskFreeBytes,
      missing: beat.host?.missing ?? node.facts.missing,
    };
  }

  /** Drops the statuses of instances that are no longer assigned to the node. */
  keepStatuses(id: NodeId, assigned: ReadonlySet<InstanceId>): void {
    const node = this.#nodes.get(id);
    for (const instanceId of [...(node?.statuses.keys() ?? [])].filter((one) => !assigned.has(one))) {
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

/** What the database says of a node, whoever changed it. */
function durable(row: NodeRow): Pick<KnownNode, 'state' | 'cordoned' | 'draining' | 'lost' | 'revoked' | 'labels'> {
  const { state, cordoned, labels } = row;
  const marks = {
    draining: row.drainUntilMs !== undefined,
    lost: row.lostAtMs !== undefined,
    revoked: row.revokedAtMs !== undefined,
  };
  return { state, cordoned, labels, ...marks };
}

/** Both try again within half a minute: a session that lasts has no rival any more. */
const RIVAL_MS = 120_000;

function troubleOf({ name, session, boots: { twins }, trouble, startTrouble }: KnownNode): Reason | undefined {
  if (session === undefined) return startTrouble;
  const lasts = session.lastSeenAtMs - session.openedAtMs > RIVAL_MS;
  return twins === undefined || lasts ? trouble : twinTrouble(name, twins);
}

function sessionOf({
  session,
  routes,
}: KnownNode): Pick<LiveNode, 'routesRefusal' | 'routesLate' | 'removesDestroyed'> {
  const removesDestroyed = session?.hello?.takesDestroyed === true;
  return { routesRefusal: session?.routes.refusal, routesLate: session !== undefined && routes.late, removesDestroyed };
}

function egressOf({ facts, session }: KnownNode): Pick<LiveNode, 'sandboxSubnet' | 'egressIgnored'> {
  const hello = session?.hello;
  return { sandboxSubnet: facts.sandboxSubnet, egressIgnored: hello !== undefined && hello.takesEgress !== true };
}

export function liveNode(node: KnownNode): LiveNode {
  const { facts, state, cordoned, draining, lost, revoked, labels } = node;
  return {
    nodeId: node.id,
    name: node.name,
    ...{ state, cordoned, draining, lost, revoked, labels },
    connected: node.session !== undefined,
    lastSeenAtMs: node.session?.lastSeenAtMs ?? node.lastSeenAtMs,
    builder: facts.builder,
    stacks: facts.stacks,
    platform: facts.os === '' ? '' : `${facts.os}-${facts.arch}`,
    memoryBytes: facts.memoryBytes,
    diskFreeBytes: facts.diskFreeBytes,
    sandboxDriver: facts.sandboxDriver,
    proxyVersion: facts.proxyVersion,
    httpAddress: facts.httpAddress,
    agentVersion: facts.agentVersion,
    versionTrouble: node.session === undefined ? undefined : node.versionTrouble,
    missing: facts.missing,
    trouble: troubleOf(node),
    meshAddress: facts.meshAddress ?? '',
    routeNamesMax: facts.routeNamesMax,
    ...egressOf(node),
    refusal: node.session === undefined ? undefined : node.ack?.refusal,
    ...sessionOf(node),
    unreachablePeerIds: node.session === undefined ? [] : node.unreachablePeerIds,
    unreadableRequests: node.unreadableRequests,
    load1: node.load1,
    memoryFreeBytes: node.memoryFreeBytes,
    ...{ os: facts.os, kernel: facts.kernel, arch: facts.arch, cpus: facts.cpus, diskBytes: facts.diskBytes },
  };
}
