import { status as Status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { LogEvent, Logger } from '../../shared/kit/log.ts';
import { decodeAgentMessage } from '../../shared/rpc/agent-codec.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { AgentMessage, ControllerMessage, Hello, UnknownMessage } from '../../shared/rpc/messages.ts';
import type { WireAgentMessageOut, WireControllerMessage } from '../../shared/rpc/service.ts';
import { costOf, MessageBudget, type Budget } from './message-budget.ts';

export type AgentCall = ServerDuplexStream<WireAgentMessageOut, WireControllerMessage>;

export interface SessionDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly budget: Budget;
  /** The session reads no further message until a returned promise settles. */
  readonly onMessage: (session: AgentSession, message: AgentMessage) => Promise<void> | undefined;
  readonly onClose: (session: AgentSession) => void;
}

/** What one session has sent and confirmed of the route table. */
interface RoutesSent {
  /** At least one version was sent in this session. */
  begun: boolean;
  /** The last version that was sent. */
  sent: number | undefined;
  /** The version that the proxy of the node serves. */
  applied: number;
  /** The stream is full, so the next version waits. */
  full: boolean;
  /** Why the agent does not use the table that it was sent. */
  refusedReason: Reason | undefined;
}

/** One open stream of one authenticated node. */
export class AgentSession {
  readonly nodeId: NodeId;
  readonly serial: string;
  readonly name: string;
  /** Set by the first message of the session. */
  hello: Hello | undefined;
  stopHelloTimer: (() => void) | undefined;
  lastSeenAtMs: number;
  readonly openedAtMs: number;
  /** The generation of the last desired state that was sent. */
  sentGeneration: number | undefined;
  /** The instances of the last desired state. The node may report on these only. */
  ownInstances: ReadonlySet<InstanceId> = new Set();
  /** Destroyed apps that any desired state of this session named. */
  readonly askedDestroyed = new Set<AppId>();
  /** The last desired state names destroyed apps. Reports on their instances are expected until the instances have ended. */
  endsInstances = false;
  /** Apps whose data the node has, but which the database does not know. */
  unknownApps = new Set<AppId>();
  readonly routes: RoutesSent = { begun: false, sent: undefined, applied: 0, full: false, refusedReason: undefined };
  /** One resend is scheduled after a refusal, no matter how often the agent refuses. */
  readonly resendScheduled = { routes: false, desired: false };
  /** The full route table was sent at once after a gap. This happens only once in a session. */
  gapFilled = false;
  readonly #call: AgentCall;
  readonly #deps: SessionDeps;
  readonly #budget: MessageBudget;
  readonly #warnedEvents = new Set<string>();
  #open = true;
  /** Messages that are being handled while reading is paused. */
  #held = 0;

  constructor(
    call: AgentCall,
    node: { readonly id: NodeId; readonly serial: string; readonly name: string },
    deps: SessionDeps,
  ) {
    this.nodeId = node.id;
    this.serial = node.serial;
    this.name = node.name;
    this.#call = call;
    this.#deps = deps;
    this.openedAtMs = deps.clock.monotonicMs();
    this.lastSeenAtMs = this.openedAtMs;
    this.#budget = new MessageBudget(deps.budget, this.lastSeenAtMs);
  }

  start(): void {
    this.#call.on('data', (wire: WireAgentMessageOut) => {
      this.#receive(wire);
    });
    this.#call.on('end', () => {
      this.end(Status.OK, 'bye');
    });
    for (const event of ['cancelled', 'error', 'close']) this.#call.on(event, () => this.#closed());
  }

  /** The peer address without its port. */
  get address(): string {
    return this.#call
      .getPeer()
      .replace(/^ipv[46]:/, '')
      .replace(/:\d+$/, '');
  }

  get open(): boolean {
    return this.#open;
  }

  /** True while the controller does not read. The node does not count as silent during this time. */
  get held(): boolean {
    return this.#held > 0;
  }

  /** Drops the message when the session has ended. The next session begins with the whole state. */
  send(message: ControllerMessage): void {
    this.sendEncoded(encodeControllerMessage(message));
  }

  /** The same encoded message may be sent to several sessions. */
  sendEncoded(message: WireControllerMessage): void {
    if (this.#open) this.#call.write(message);
  }

  /** Resolves when the stream accepts more data or has ended. */
  async drained(): Promise<void> {
    if (!this.#open || !this.#call.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      this.#call.once('drain', resolve);
      this.#call.once('close', resolve);
      this.#call.once('cancelled', resolve);
    });
  }

  /** Ends the stream with a status, after the messages that were sent before. */
  end(code: Status, details: string): void {
    if (!this.#open) return;
    this.#closed();
    if (code === Status.OK) this.#call.end();
    else this.#call.emit('error', { code, details });
  }

  /** Logs the event once in a session, so that a faulty agent cannot fill the log. */
  warnOnce(event: LogEvent, fields: object = {}): void {
    if (this.#warnedEvents.has(event)) return;
    this.#warnedEvents.add(event);
    this.#deps.logger.warn({ node: this.name, ...fields }, event);
  }

  #receive(wire: WireAgentMessageOut): void {
    if (!this.#open) return;
    const now = this.#deps.clock.monotonicMs();
    this.lastSeenAtMs = now;
    const message = this.#decode(wire);
    const work = message === undefined || message.kind === 'unknown' ? undefined : this.#deps.onMessage(this, message);
    const pauseMs = this.#budget.spend(message === undefined ? 10 : costOf(message), now);
    if (pauseMs > 0) this.warnOnce('session.slowed_down');
    if (work !== undefined || pauseMs > 0) void this.#pause(work, pauseMs);
  }

  #decode(wire: WireAgentMessageOut): AgentMessage | UnknownMessage | undefined {
    try {
      return decodeAgentMessage(wire);
    } catch (error) {
      const problem = toSlipwayError(error).message;
      this.warnOnce('session.message_ignored', { reason: problem });
      if (this.hello === undefined) this.end(Status.INVALID_ARGUMENT, problem);
      return undefined;
    }
  }

  async #pause(work: Promise<void> | undefined, ms: number): Promise<void> {
    this.#held += 1;
    this.#call.pause();
    try {
      await work;
      if (ms > 0) await this.#deps.clock.sleep(ms);
    } catch (error) {
      this.#deps.logger.error({ node: this.name, err: error }, 'session.message_failed');
      this.end(Status.UNAVAILABLE, 'The controller could not handle the message. Connect again.');
    }
    this.#held -= 1;
    this.lastSeenAtMs = this.#deps.clock.monotonicMs();
    if (this.#open && this.#held === 0) this.#call.resume();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deps.onClose(this);
  }
}
