import type { Duplex } from 'node:stream';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { AppId, CertificateId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { NodeFacts } from '../../shared/domain/node-facts.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { UnservedCertificate } from '../../shared/rpc/messages.ts';
import type { NodeRow } from '../domain/nodes.ts';

/** The last facts of a node, and what the controller knows about it. */
export interface LiveNode extends NodeFacts {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly state: NodeState;
  /** The node gets no new instances. */
  readonly cordoned: boolean;
  /** The node is cordoned, and its instances move to other nodes. */
  readonly draining: boolean;
  /** The node was unreachable for too long, so replacements of its instances run on other nodes until it returns. */
  readonly lost: boolean;
  /** The certificates of the node were revoked, and it has not rejoined. */
  readonly revoked: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** The node has an open session. */
  readonly connected: boolean;
  /** Monotonic time of the last message, ms. Undefined when this controller process has received none. */
  readonly lastSeenAtMs?: number | undefined;
  readonly platform: string;
  /** Why the version of the connected agent does not match the controller. The hint is the command that repairs it. */
  readonly versionMismatch?: Reason | undefined;
  /** Why the agent cannot prepare its machine, or why it could not start when it is not connected. */
  readonly failure?: Reason | undefined;
  readonly load1: number;
  /** From the last heartbeat. */
  readonly memoryFreeBytes?: number | undefined;
  /** The `address:port` for requests of other nodes. Empty when the node accepts none. */
  readonly meshAddress: string;
  /** The connected agent is too old to read the private networks that an operator has opened. */
  readonly egressIgnored?: boolean | undefined;
  /** The probes of health checks that the connected agent runs; undefined while the node is not connected. */
  readonly checkProbes?: readonly string[] | undefined;
  /** The connected agent removes the data of destroyed apps. */
  readonly removesDestroyed: boolean;
  /** The connected agent loses requests for a moment when an app gets another name. */
  readonly losesRenamed?: boolean | undefined;
  /** The proxy of the connected agent is too old to answer for apps in maintenance. */
  readonly ignoresMaintenance?: boolean | undefined;
  /** The proxy of the connected agent knows only the front proxies of its own settings. */
  readonly ignoresEdgeSettings?: boolean | undefined;
  /** The proxy of the connected agent knows neither redirects to HTTPS nor canonical names. */
  readonly ignoresHttpsRules?: boolean | undefined;
  /** The connected agent is too old to purge a build cache. */
  readonly keepsCaches?: boolean | undefined;
  /** The connected agent counts the requests of deploys. */
  readonly countsSwitches?: boolean | undefined;
  /** Why the connected agent refuses its desired state. */
  readonly refusedStateReason?: Reason | undefined;
  /** Why the connected agent refuses the fleet's routes. */
  readonly refusedRoutesReason?: Reason | undefined;
  /** The connected node did not apply a change of the routes in time. */
  readonly routesLate?: boolean | undefined;
  /** Nodes that it should send requests to but cannot reach. */
  readonly unreachablePeerIds: readonly string[];
  /** Undefined when the agent does not report it. */
  readonly unreadableRequests?: UnreadableRequests | undefined;
  /** Certificates that its proxy does not serve, although the route table has them. */
  readonly unservedCertificates?: readonly UnservedCertificate[] | undefined;
}

/** How one node serves a certificate of the route table. */
export interface CertificateOnNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly connected: boolean;
  /** Waiting: the node has not reported on this certificate yet. */
  readonly state: 'served' | 'waiting' | 'unserved';
  /** Why the node does not serve it. */
  readonly reason?: Reason | undefined;
  /** The former certificate, which the node still serves. */
  readonly servedFingerprint?: string | undefined;
}

export interface ServedCertificate {
  readonly fingerprint: string;
  /** Every node that answers HTTPS. */
  readonly nodes: readonly CertificateOnNode[];
}

export interface AppLogQuery {
  readonly appId: AppId;
  readonly app: AppName;
  readonly process?: string | undefined;
  /** Lines of the app only, or of router and platform only. Undefined: all lines. */
  readonly source?: LogLine['source'] | undefined;
  readonly lines: number;
  readonly follow: boolean;
}

/** A process in a sandbox that a user reaches. */
export interface AttachTarget {
  readonly sandboxId: string;
  /** The command of the sandbox waits for the user. Absent: a new process is started beside the app. */
  readonly waits?: boolean | undefined;
}

/** The connected nodes and their reports. The database does not contain this state. */
export interface Fleet {
  nodes(): readonly LiveNode[];
  node(nodeId: NodeId): LiveNode | undefined;
  status(instanceId: InstanceId): InstanceStatus | undefined;
  /** The statuses that a node reported last. */
  statusesOn(nodeId: NodeId): readonly InstanceStatus[];
  /** Reads the desired state of a node from the store and sends it. A node without a session gets it after its next Hello. */
  publish(nodeId: NodeId): Promise<void>;
  /** Call this after a change of the node's row. The session of a removed node ends at once. */
  nodeChanged(row: NodeRow): void;
  /** Records why an agent could not start. The next session clears it. */
  startFailed(nodeId: NodeId, reason: Reason): void;
  /** Calls the listener after each report, connection and disconnection. @returns the function that unsubscribes */
  onChange(listener: (nodeId: NodeId) => void): () => void;
  /**
   * Resolves when every reachable node has the current routes of the app: at once if the routes have not changed, and after a minute at the
   * latest (`route-waits.ts`). Never rejects. Call it before instances stop.
   * @param leaving instances that are about to stop; other nodes send them no requests any more
   */
  routesApplied(appId: AppId, signal: AbortSignal, leaving?: readonly InstanceId[]): Promise<void>;
  /** Why the route table has no entry of the app. Undefined when it has one. */
  leftOutOfRoutes(appId: AppId): Reason | undefined;
  /** The stored certificates changed. Resolves when the route table has the change. Never rejects. */
  certificatesChanged(): Promise<void>;
  /** The stored settings of the proxies changed. Resolves when the route table has the change. Never rejects. */
  proxySettingsChanged(): Promise<void>;
  /** Sets the thumbprint of the account key with which the nodes answer HTTP-01 challenges. Never rejects. */
  setAcmeThumbprint(thumbprint: string | undefined): Promise<void>;
  /** The nodes that serve a certificate. Undefined: the route table does not have it. */
  servedBy(id: CertificateId): ServedCertificate | undefined;
  /** Sends the private networks that sandboxes may reach to every node. Never rejects. */
  egressChanged(): Promise<void>;
  /** The merged log lines of every connected node. They are sorted by time when `follow` is false. */
  logs(query: AppLogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /**
   * Opens a stream to a new process in a sandbox. Its bytes are frames of shared/attach/frames.ts. The process ends when the stream is closed.
   * @throws SLIP_ATTACH_NODE_AWAY, SLIP_ATTACH_OLD_AGENT, SLIP_ATTACH_NODE_SILENT
   */
  attach(nodeId: NodeId, target: AttachTarget, signal: AbortSignal): Promise<Duplex>;
}
