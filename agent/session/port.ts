import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { AppId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { Heartbeat, LogQueryMessage, NodeFacts } from '../../shared/rpc/messages.ts';

/** The agent's side of things the controller may ask for. Implemented by the composition root from the other folders. */
export interface SessionHandlers {
  hello(): Promise<{
    facts: NodeFacts;
    ledger: Pick<DesiredState, 'epoch' | 'generation'> | undefined;
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
  /** The controller has let this agent in. */
  welcomed?(): void;
  /** Stores the routes of the fleet, and resolves when the proxy serves them; with the reason when it refuses them. */
  acceptRoutes(update: RoutesUpdate): Promise<Reason | undefined>;
  /** The private networks that sandboxes may reach from now on. Never rejects. */
  acceptEgress?(table: EgressTable): Promise<void>;
  /** It wants this version here: `0.1.0+c3e11cb00a2f`. */
  upgrade?(version: string): void;
  startTask(task: BuildTask): void;
  cancelTask(taskId: TaskId): void;
  queryLogs(query: Omit<LogQueryMessage, 'kind' | 'queryId'>, signal: AbortSignal): AsyncIterable<LogLine>;
}

/** The agent's outgoing half. Sends are dropped silently while no session is open, except task results, which are kept. */
export interface Session {
  reportInstances(statuses: readonly InstanceStatus[]): void;
  taskOutput(taskId: TaskId, chunk: Uint8Array): void;
  taskResult(taskId: TaskId, outcome: BuildResult | Reason): void;
  /** Nothing of these apps is left here. Also said again after each desired state that names them. */
  destroyedAck(appIds: readonly AppId[]): void;
  event(event: { reason: Reason; app?: AppName | undefined; process?: string | undefined }): void;
  readonly connected: boolean;
}
