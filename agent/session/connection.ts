import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import { toReason, type Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { encodeAgentMessage } from '../../shared/rpc/agent-codec.ts';
import { decodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type {
  AgentMessage,
  CancelLogQuery,
  CancelTask,
  ControllerMessage,
  CountSwitches,
  Desired,
  FleetRoutesMessage,
  LogQueryMessage,
  StartTask,
  TaskAck,
  UnknownTask,
  RestartLeave,
  RunChecks,
  Welcome,
} from '../../shared/rpc/messages.ts';
import type { WireControllerMessageOut } from '../../shared/rpc/service.ts';
import type { SessionCall } from './channel.ts';
import type { SessionFailure } from './explain-failure.ts';
import { LogAnswers } from './log-answers.ts';
import type { Outbox } from './outbox.ts';
import type { SessionHandlers } from './port.ts';

/** Messages that `#handle` handles itself. */
type Handled = Welcome | Desired | FleetRoutesMessage | StartTask | LogQueryMessage | CancelLogQuery | CountSwitches;

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly outbox: Outbox;
  readonly handlers: SessionHandlers;
  /** The time limit for the controller's Welcome. */
  readonly connectTimeoutMs: number;
  /** A result counts as delivered when it was sent this long ago and the session is still up. */
  readonly confirmAfterMs: number;
  readonly onWelcome: (welcome: Welcome) => void;
}

/** One stream, from its Hello to its end. */
export class Connection {
  readonly #call: SessionCall;
  readonly #deps: ConnectionDeps;
  readonly #logs: LogAnswers;
  readonly #over = new AbortController();
  #failure: SessionFailure | undefined;
  #welcomed = false;
  #writable = true;
  #sendPlanned = false;
  #offered: DesiredState | undefined;
  #accepting: Promise<void> | undefined;

  constructor(call: SessionCall, deps: ConnectionDeps) {
    this.#call = call;
    this.#deps = deps;
    this.#logs = new LogAnswers({
      queryLogs: (query, signal) => deps.handlers.queryLogs(query, signal),
      send: (chunk) => this.#sendLog(() => deps.outbox.log(chunk)),
    });
  }

  get welcomed(): boolean {
    return this.#welcomed;
  }

  /** Serves the session until it ends. @returns why it ended */
  async serve(hello: AgentMessage): Promise<SessionFailure> {
    const ended = new Promise<void>((resolve) => {
      this.#call.on('error', (error: Error & { code?: number; details?: string }) => {
        this.#failure ??= { code: error.code, details: error.details ?? error.message };
        resolve();
      });
      this.#call.on('end', resolve);
      this.#call.on('close', resolve);
    });
    this.#call.on('data', (wire: WireControllerMessageOut) => this.#receive(wire));
    this.#call.on('drain', () => {
      this.#writable = true;
      this.#send();
    });
    const stopTimer = callAfter(this.#deps.clock, this.#deps.connectTimeoutMs, () => {
      if (!this.#welcomed) this.end('timeout: the controller did not answer');
    });
    this.#call.write(encodeAgentMessage(hello));
    await ended;
    stopTimer();
    this.#finish();
    return this.#failure ?? { details: 'closed by the controller' };
  }

  end(details: string): void {
    this.#failure ??= { details };
    this.#call.cancel();
  }

  /** Sends the waiting messages after the present turn of the event loop, so that messages of one turn travel together. */
  planSend(): void {
    if (this.#sendPlanned || !this.#welcomed) return;
    this.#sendPlanned = true;
    setImmediate(() => {
      this.#sendPlanned = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#welcomed && this.#writable && !this.#over.signal.aborted) {
      const message = this.#deps.outbox.next(this.#deps.clock.monotonicMs());
      if (message === undefined) return;
      this.#writable = this.#call.write(encodeAgentMessage(message));
    }
  }

  #receive(wire: WireControllerMessageOut): void {
    const message = this.#decode(wire);
    if (message?.kind === 'unknownTask') this.#refuseTask(message);
    else if (message !== undefined && message.kind !== 'unknown') this.#handle(message);
  }

  #decode(wire: WireControllerMessageOut): ReturnType<typeof decodeControllerMessage> | undefined {
    try {
      return decodeControllerMessage(wire);
    } catch (error) {
      const reason = toReason(error);
      this.#deps.logger.error({ reason: reason.message }, 'session.message_ignored');
      const generation = wire.desired?.generation;
      if (generation !== undefined) this.#acknowledge(generation, reason);
      return undefined;
    }
  }

  #handle(message: ControllerMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.#welcome(message);
        break;
      case 'desired':
        this.#offer(message.state);
        break;
      case 'fleetRoutes':
        void this.#acceptRoutes(message.update);
        break;
      case 'startTask':
        this.#startTask(message);
        break;
      case 'logQuery':
        this.#logs.start(message);
        break;
      case 'cancelLogQuery':
        this.#logs.cancel(message.queryId);
        break;
      case 'countSwitches':
        this.#deps.handlers.countSwitches?.(message.switches);
        break;
      default:
        this.#dispatch(message);
    }
  }

  /** Messages without an answer. */
  #dispatch(message: Exclude<ControllerMessage, Handled>): void {
    const { handlers } = this.#deps;
    if (message.kind === 'cancelTask' || message.kind === 'taskAck') this.#dispatchTask(message);
    else if (message.kind === 'egress') void handlers.acceptEgress?.(message.table);
    else if (message.kind === 'openAttach') handlers.openAttach?.(message);
    else if (message.kind === 'runChecks' || message.kind === 'restartLeave') this.#dispatchHealth(message);
    else handlers.upgrade?.(message.version);
  }

  #dispatchTask({ kind, taskId }: CancelTask | TaskAck): void {
    const { handlers } = this.#deps;
    if (kind === 'cancelTask') handlers.cancelTask(taskId);
    else handlers.taskAcknowledged?.(taskId);
  }

  #dispatchHealth(message: RunChecks | RestartLeave): void {
    const { handlers } = this.#deps;
    if (message.kind === 'runChecks') handlers.runChecks?.(message);
    else handlers.allowRestart?.(message);
  }

  #welcome(welcome: Welcome): void {
    if (this.#welcomed) return;
    this.#welcomed = true;
    this.#deps.outbox.resume(welcome.tasks ?? []);
    this.#deps.onWelcome(welcome);
    this.#deps.outbox.control({ kind: 'instanceReport', statuses: this.#deps.handlers.instances(), complete: true });
    this.planSend();
    void this.#beat(welcome.heartbeatIntervalMs);
  }

  #offer(state: DesiredState): void {
    this.#offered = state;
    this.#accepting ??= this.#accept();
  }

  /** Handles one state at a time. Of the states that arrive meanwhile, only the last one counts. */
  async #accept(): Promise<void> {
    while (this.#offered !== undefined) {
      const state = this.#offered;
      this.#offered = undefined;
      this.#acknowledge(state.generation, await this.#decide(state));
    }
    this.#accepting = undefined;
  }

  async #decide(state: DesiredState): Promise<Reason | undefined> {
    try {
      return await this.#deps.handlers.accept(state);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'session.desired_state_failed');
      return toReason(error);
    }
  }

  #acknowledge(generation: number, reason: Reason | undefined): void {
    if (this.#over.signal.aborted) return;
    if (reason !== undefined) this.#deps.logger.warn({ generation, ...reason }, 'session.desired_state_refused');
    this.#deps.outbox.control({ kind: 'desiredAck', generation, reason });
    this.planSend();
  }

  /** The acknowledgement of routes also promises that every earlier desired state was handled. */
  async #acceptRoutes(update: RoutesUpdate): Promise<void> {
    await this.#accepting;
    const reason = await this.#deps.handlers.acceptRoutes(update).catch((error: unknown): Reason => {
      this.#deps.logger.error({ err: error }, 'session.routes_failed');
      return toReason(error);
    });
    if (this.#over.signal.aborted) return;
    this.#deps.outbox.control({ kind: 'routesAck', version: update.version, reason });
    this.planSend();
  }

  #refuseTask({ taskId, taskKind }: UnknownTask): void {
    this.#deps.outbox.result(taskId, {
      code: 'SLIP_TASK_KIND',
      message: `This agent does not know tasks of the kind ${taskKind}.`,
      hint: 'slipway nodes:upgrade',
    });
    this.planSend();
  }

  #startTask({ task }: StartTask): void {
    try {
      this.#deps.handlers.startTask(task);
    } catch (error) {
      this.#deps.outbox.result(task.taskId, toReason(error));
      this.planSend();
    }
  }

  async #beat(intervalMs: number): Promise<void> {
    const { clock, outbox, handlers, confirmAfterMs, random } = this.#deps;
    const { signal } = this.#over;
    await clock.sleep(intervalMs * random(), signal).catch(() => undefined); // nodes that connect at the same time must not send their heartbeats at the same time
    while (!signal.aborted) {
      try {
        outbox.control({ kind: 'heartbeat', ...(await handlers.heartbeat()) });
      } catch (error) {
        this.#deps.logger.warn({ err: error }, 'session.facts_not_read');
      }
      outbox.confirm(clock.monotonicMs() - confirmAfterMs);
      this.planSend();
      await clock.sleep(intervalMs, signal).catch(() => undefined);
    }
  }

  async #sendLog(queue: () => Promise<void>): Promise<void> {
    if (this.#over.signal.aborted) return;
    const taken = queue();
    this.planSend();
    await taken;
  }

  #finish(): void {
    this.#over.abort();
    this.#welcomed = false;
    this.#logs.close();
    this.#deps.outbox.endSession();
  }
}
