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
  /** A promise stops reading until it settles. */
  readonly onMessage: (session: AgentSession, message: AgentMessage) => Promise<void> | undefined;
  readonly onClose: (session: AgentSession) => void;
}

/** How far an agent is with the fleet's route table. */
interface RoutesSent {
  /** Any of it was sent. */
  begun: boolean;
  /** Version sent last. */
  sent: number | undefined;
  /** Version that its proxy serves. */
  applied: number;
  /** The stream takes no more of it now. */
  full: boolean;
  /** Why it does not take over what it was sent, and will not by itself. */
  refusal: Reason | undefined;
}

/** One open stream of one node, whose identity its certificate has proven. */
export class AgentSession {
  readonly nodeId: NodeId;
  readonly serial: string;
  readonly name: string;
  /** Set by the first message. */
  hello: Hello | undefined;
  stopHelloTimer: (() => void) | undefined;
  lastSeenAtMs: number;
  readonly openedAtMs: number;
  /** Generation of the last desired state sent. */
  sentGeneration: number | undefined;
  /** The instances this node was told of: the only ones it may report on. */
  ownInstances: ReadonlySet<InstanceId> = new Set();
  /** Destroyed apps that it was asked about, in any state of this session. */
  readonly askedDestroyed = new Set<AppId>();
  /** Its last state names some of them: their instances are no longer its own, and it reports on them until they have ended. */
  endsInstances = false;
  /** Apps of which it holds data, and which this controller does not know. */
  unknownApps = new Set<AppId>();
  readonly routes: RoutesSent = { begun: false, sent: undefined, applied: 0, full: false, refusal: undefined };
  /** What it refuses is offered again at a time of ours, and once, however often it refuses. */
  readonly resendScheduled = { routes: false, desired: false };
  /** It has been sent the whole route table at once because it had another one than we thought. */
  gapFilled = false;
  readonly #call: AgentCall;
  readonly #deps: SessionDeps;
  readonly #budget: MessageBudget;
  readonly #warnedEvents = new Set<string>();
  #open = true;
  /** Messages that are being worked on while nothing further is read. */
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

  /** Begins reading. */
  start(): void {
    this.#call.on('data', (wire: WireAgentMessageOut) => {
      this.#receive(wire);
    });
    this.#call.on('end', () => {
      this.end(Status.OK, 'bye');
    });
    for (const event of ['cancelled', 'error', 'close']) this.#call.on(event, () => this.#closed());
  }

  /** Where it comes from, without the port. */
  get address(): string {
    return this.#call
      .getPeer()
      .replace(/^ipv[46]:/, '')
      .replace(/:\d+$/, '');
  }

  get open(): boolean {
    return this.#open;
  }

  /** True while it is we who do not read: its silence means nothing then. */
  get held(): boolean {
    return this.#held > 0;
  }

  /** Dropped when the session has ended: the next one gets everything anew. */
  send(message: ControllerMessage): void {
    this.sendEncoded(encodeControllerMessage(message));
  }

  /** The same object may go to many. */
  sendEncoded(message: WireControllerMessage): void {
    if (this.#open) this.#call.write(message);
  }

  /** Resolves when the stream takes more, or has ended. */
  async drained(): Promise<void> {
    if (!this.#open || !this.#call.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      this.#call.once('drain', resolve);
      this.#call.once('close', resolve);
      this.#call.once('cancelled', resolve);
    });
  }

  /** Ends the stream with a status; what was sent before arrives first. */
  end(code: Status, details: string): void {
    if (!this.#open) return;
    this.#closed();
    if (code === Status.OK) this.#call.end();
    else this.#call.emit('error', { code, details });
  }

  /** Logs a misbehaviour once per session. */
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
      this.end(Status.UNAVAILABLE, 'The controller could not handle this now; try again.');
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
