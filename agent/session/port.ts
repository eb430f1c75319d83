import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { AppId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { NodeFacts } from '../../shared/domain/node-facts.ts';
import type { NodeFigures, SwitchQuery } from '../../shared/domain/switch-figures.ts';
import type { Task, TaskResultContent } from '../../shared/domain/task.ts';
import type {
  CertificatesServed,
  Heartbeat,
  LogQueryMessage,
  OpenAttach,
  TaskProgress,
} from '../../shared/rpc/messages.ts';

/** What the controller can ask an agent for. The composition root implements it with the other parts. */
export interface SessionHandlers {
  hello(): Promise<{
    facts: NodeFacts;
    acceptedState: Pick<DesiredState, 'epoch' | 'generation'> | undefined;
    cachedAppIds: readonly string[];
    runningTaskIds: readonly TaskId[];
    fleetRoutesDigest?: string | undefined;
    bootId?: string | undefined;
  }>;
  heartbeat(): Promise<Omit<Heartbeat, 'kind'>>;
  /** Every instance on this node, for the first report of a session. */
  instances(): readonly InstanceStatus[];
  /** Writes the desired state to disk and wakes the loop. Resolves with the reason of a refusal. */
  accept(desired: DesiredState): Promise<Reason | undefined>;
  /** Called when the controller has accepted the session. @param progress what it has received of the tasks of this node */
  welcomed?(progress: readonly TaskProgress[]): void;
  /** Stores the routes of the fleet. Resolves when the proxy serves them, or with the reason of a refusal. */
  acceptRoutes(update: RoutesUpdate): Promise<Reason | undefined>;
  /** Sets the private networks that sandboxes may reach. Never rejects. */
  acceptEgress?(table: EgressTable): Promise<void>;
  /** Runs the checks of these instances once. */
  runChecks?(request: { readonly run: number; readonly instanceIds: readonly string[] }): void;
  /** This process may be restarted after its failed liveness check. */
  allowRestart?(process: { readonly instanceId: string; readonly startedAtMs: number }): void;
  /** Starts an upgrade to this version: `0.1.0+c3e11cb00a2f`. */
  upgrade?(version: string): void;
  /** Opens a call for the bytes between a user and a process in a sandbox. Without it, the agent says that it cannot do this. */
  openAttach?(request: Omit<OpenAttach, 'kind'>): void;
  /** Counts the requests of these switches, and of no others. Without it, the agent says that it does not count. */
  countSwitches?(switches: readonly SwitchQuery[]): void;
  startTask(task: Task): void;
  cancelTask(taskId: TaskId): void;
  /** The controller has stored the result of this command. */
  taskAcknowledged?(taskId: TaskId): void;
  queryLogs(query: Omit<LogQueryMessage, 'kind' | 'queryId'>, signal: AbortSignal): AsyncIterable<LogLine>;
}

/** The agent's outgoing messages. Without a session they are dropped, except task output and results. */
export interface Session {
  reportInstances(statuses: readonly InstanceStatus[]): void;
  taskOutput(taskId: TaskId, chunk: Uint8Array): void;
  taskResult(taskId: TaskId, outcome: TaskResultContent | Reason): void;
  /** Nothing of these apps is left on this node. Repeated after each desired state that names them. */
  destroyedAck(appIds: readonly AppId[]): void;
  /** Without a session it is dropped: the next one asks again. */
  switchFigures(figures: NodeFigures): void;
  /** Without a session it is dropped: each session begins with a report. */
  certificatesServed(served: Omit<CertificatesServed, 'kind'>): void;
  event(event: { reason: Reason; app?: AppName | undefined; process?: string | undefined }): void;
  readonly connected: boolean;
}
