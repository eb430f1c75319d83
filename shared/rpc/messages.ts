import type { DesiredState, Epoch } from '../domain/assignment.ts';
import type { AppId, CertificateId, InstanceId, TaskId } from '../domain/ids.ts';
import type { EgressTable } from '../domain/egress.ts';
import type { InstanceStatus, Reason } from '../domain/instance.ts';
import type { LogLine } from '../domain/log-line.ts';
import type { AppName } from '../domain/names.ts';
import type { NodeFacts } from '../domain/node-facts.ts';
import type { RoutesUpdate } from '../domain/fleet-routes.ts';
import type { UnreadableRequests } from '../domain/unreadable-requests.ts';
import type { NodeFigures, SwitchQuery } from '../domain/switch-figures.ts';
import type { Task, TaskResultContent } from '../domain/task.ts';

export interface Hello {
  readonly kind: 'hello';
  readonly facts: NodeFacts;
  readonly acceptedState?: Pick<DesiredState, 'epoch' | 'generation'> | undefined;
  readonly cachedAppIds: readonly string[];
  readonly runningTaskIds: readonly TaskId[];
  readonly takesFleetRoutes?: boolean | undefined;
  /** Digest of its route table. */
  readonly fleetRoutesDigest?: string | undefined;
  /** Id of the current boot of its machine. A boot id never appears again. */
  readonly bootId?: string | undefined;
  /** It reads desired states in which the common content of a release's instances appears once. */
  readonly takesReleases?: boolean | undefined;
  /** It reads {@link Egress}. */
  readonly takesEgress?: boolean | undefined;
  /** It removes the data of destroyed apps and answers with {@link DestroyedAck}. */
  readonly takesDestroyed?: boolean | undefined;
  /** A rename of an app loses no request at its proxy. */
  readonly routesByAppId?: boolean | undefined;
  /** Its proxy answers for apps in maintenance. */
  readonly takesMaintenance?: boolean | undefined;
  /** It purges the build cache of an app. */
  readonly takesCacheNumber?: boolean | undefined;
  /** The kinds of tasks that the agent runs. Undefined from an older agent, which runs builds only. */
  readonly taskKinds?: readonly string[] | undefined;
  /** The probes of health checks that the agent runs. Undefined from an older agent, which runs none. */
  readonly checkProbes?: readonly string[] | undefined;
  /** It reads {@link OpenAttach}. */
  readonly takesAttach?: boolean | undefined;
  /** It reads {@link CountSwitches}. */
  readonly countsSwitches?: boolean | undefined;
  /** It reads certificates and HTTPS rules in the route table. */
  readonly takesCertificates?: boolean | undefined;
  /** It reads front proxies in the route table. */
  readonly takesEdgeSettings?: boolean | undefined;
}

export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly diskFreeBytes: number;
  readonly load1: number;
  readonly memoryFreeBytes: number;
  /** Nodes to which it would send requests, and which it cannot reach. */
  readonly unreachablePeerIds?: readonly string[] | undefined;
  readonly host?: HostCheck | undefined;
  readonly unreadableRequests?: UnreadableRequests | undefined;
  /** Facts that the agent has read since its Hello; see `parseNodeFacts`. */
  readonly factsJson?: string | undefined;
}

/** The agent's checks of its own machine. */
export interface HostCheck {
  /** The current value of the fact with this name. */
  readonly missing: readonly string[];
  /** Why it cannot repair its machine, although it tries again. */
  readonly failure?: Reason | undefined;
}

/** No reason: accepted. */
export interface DesiredAck {
  readonly kind: 'desiredAck';
  readonly generation: number;
  readonly reason?: Reason | undefined;
}

export interface InstanceReport {
  readonly kind: 'instanceReport';
  readonly statuses: readonly InstanceStatus[];
  readonly complete: boolean;
}

export interface TaskOutput {
  readonly kind: 'taskOutput';
  readonly taskId: TaskId;
  readonly chunk: Uint8Array;
}

export interface TaskResult {
  readonly kind: 'taskResult';
  readonly taskId: TaskId;
  readonly outcome: TaskOutcome;
}

export type TaskOutcome =
  { readonly ok: true; readonly result: TaskResultContent } | { readonly ok: false; readonly failure: Reason };

export interface LogChunk {
  readonly kind: 'logChunk';
  readonly queryId: string;
  readonly lines: readonly LogLine[];
  readonly end: boolean;
  readonly failure?: Reason | undefined;
}

export interface NodeEvent {
  readonly kind: 'nodeEvent';
  readonly atMs: number;
  readonly reason: Reason;
  readonly app?: AppName | undefined;
  readonly process?: string | undefined;
}

/** No reason: its proxy serves that version. */
export interface RoutesAck {
  readonly kind: 'routesAck';
  readonly version: number;
  readonly reason?: Reason | undefined;
}

/** The node has no data of these apps any more. */
export interface DestroyedAck {
  readonly kind: 'destroyedAck';
  readonly appIds: readonly AppId[];
}

/** What the node has counted of one switch. */
export interface SwitchFigures extends NodeFigures {
  readonly kind: 'switchFigures';
}

/** The proxy of the node serves all certificates of this version of the route table, except these. */
export interface CertificatesServed {
  readonly kind: 'certificatesServed';
  readonly version: number;
  readonly unserved: readonly UnservedCertificate[];
}

export interface UnservedCertificate {
  readonly id: CertificateId;
  /** The former certificate, which the node still serves under this id. */
  readonly servedFingerprint?: string | undefined;
  readonly reason: Reason;
}

/** A message of an unknown kind. It is ignored. */
export interface UnknownMessage {
  readonly kind: 'unknown';
}

export type AgentMessage =
  | Hello
  | Heartbeat
  | DesiredAck
  | InstanceReport
  | TaskOutput
  | TaskResult
  | LogChunk
  | NodeEvent
  | RoutesAck
  | DestroyedAck
  | SwitchFigures
  | CertificatesServed;

export interface Welcome {
  readonly kind: 'welcome';
  readonly heartbeatIntervalMs: number;
  readonly epoch: Epoch;
  readonly nodeName: string;
  /** The agent's version does not fit the controller's. */
  readonly versionMismatch?: Reason | undefined;
  /** What the controller has received of the tasks of this node; absent from an older controller. */
  readonly tasks?: readonly TaskProgress[] | undefined;
}

export interface TaskProgress {
  readonly taskId: TaskId;
  readonly outputBytes: number;
  /** Line feeds in these bytes. */
  readonly outputLines: number;
}

export interface Desired {
  readonly kind: 'desired';
  readonly state: DesiredState;
  /** Every assignment is complete, for an agent without {@link Hello.takesReleases}. */
  readonly whole?: boolean | undefined;
}

export interface StartTask {
  readonly kind: 'startTask';
  readonly task: Task;
}

/** A task of a kind that this agent does not know, from a newer controller. */
export interface UnknownTask {
  readonly kind: 'unknownTask';
  readonly taskId: TaskId;
  readonly taskKind: string;
}

export interface CancelTask {
  readonly kind: 'cancelTask';
  readonly taskId: TaskId;
}

/** The controller has stored the result of this command. */
export interface TaskAck {
  readonly kind: 'taskAck';
  readonly taskId: TaskId;
}

export interface LogQueryMessage {
  readonly kind: 'logQuery';
  readonly queryId: string;
  readonly app: AppName;
  /** Absent from an older controller. */
  readonly appId?: AppId | undefined;
  readonly process?: string | undefined;
  readonly source?: LogLine['source'] | undefined;
  readonly lines: number;
  readonly follow: boolean;
}

export interface CancelLogQuery {
  readonly kind: 'cancelLogQuery';
  readonly queryId: string;
}

export interface FleetRoutesMessage {
  readonly kind: 'fleetRoutes';
  readonly update: RoutesUpdate;
}

/** The private networks that sandboxes may reach; replaces the former table. */
export interface Egress {
  readonly kind: 'egress';
  readonly table: EgressTable;
}

/** Connect a process in this sandbox with a user, by a call Attach with this id. */
export interface OpenAttach {
  readonly kind: 'openAttach';
  readonly streamId: string;
  readonly sandboxId: string;
  /** A process of the sandbox waits for this stream. */
  readonly waits: boolean;
}

/** Run the lasting checks of these instances once. Their statuses then have this number. */
export interface RunChecks {
  readonly kind: 'runChecks';
  readonly run: number;
  readonly instanceIds: readonly InstanceId[];
}

/** This process may be restarted after its failed liveness check. */
export interface RestartLeave {
  readonly kind: 'restartLeave';
  readonly instanceId: InstanceId;
  readonly startedAtMs: number;
}

/** The switches whose requests the node counts: all of them. */
export interface CountSwitches {
  readonly kind: 'countSwitches';
  readonly switches: readonly SwitchQuery[];
}

/** Upgrade to this version (`0.1.0+c3e11cb00a2f`). */
export interface Upgrade {
  readonly kind: 'upgrade';
  readonly version: string;
}

export type ControllerMessage =
  | CountSwitches
  | Egress
  | RestartLeave
  | RunChecks
  | Upgrade
  | FleetRoutesMessage
  | Welcome
  | Desired
  | StartTask
  | CancelTask
  | TaskAck
  | LogQueryMessage
  | CancelLogQuery
  | OpenAttach;
