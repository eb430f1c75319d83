import { status as Status } from '@grpc/grpc-js';
import type { Epoch } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type {
  AgentMessage,
  DesiredAck,
  DestroyedAck,
  Hello,
  InstanceReport,
  NodeEvent,
} from '../../shared/rpc/messages.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import { AgentSession, type AgentCall } from './agent-session.ts';
import { EgressBoard, type EgressBoardDeps } from './egress-board.ts';
import { DestroyedApps, type DestroyedAppsDeps } from './destroyed-apps.ts';
import { Door, type DoorDeps, type Visitor } from './door.ts';
import { Liveness } from './liveness.ts';
import { takeDesiredAck } from './desired-ack.ts';
import { RouteBoard, type RouteBoardDeps } from './route-board.ts';
import { LogQueries } from './log-queries.ts';
import { DEFAULT_BUDGET, type Budget } from './message-budget.ts';
import { NodeBook, type KnownNode } from './node-book.ts';
import { heartbeatIntervalMs, type Pace } from './pace.ts';
import { OpenSessions } from './open-sessions.ts';
import { Publisher } from './publisher.ts';
import { readDesiredStates } from './read-desired.ts';
import { Tasks } from './tasks.ts';
import { welcome } from './welcome.ts';

export type DispatchStore = DoorDeps['store'] &
  RouteBoardDeps['store'] &
  EgressBoardDeps['store'] &
  DestroyedAppsDeps['store'] &
  Pick<Store, 'nodes' | 'setNodeState' | 'setNodesPresent' | 'assignmentsOfApp' | 'desiredRows'>;

export interface DispatcherSettings {
  readonly epoch: Epoch;
  readonly baseDomain: string;
  readonly unreachableAfterMs: number;
  readonly taskRejoinMs: number;
  readonly helloTimeoutMs: number;
  readonly refusalRetryMs: number;
  readonly budget?: Budget | undefined;
  /** The controller's own; default: that of this product. */
  readonly version?: string | undefined;
  readonly pace?: Pace | undefined;
}

export interface DispatcherDeps {
  readonly store: DispatchStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: RandomId;
  /** Something an agent wants its operator to know. */
  readonly onNodeEvent?: ((node: { readonly id: NodeId; readonly name: string }, event: NodeEvent) => void) | undefined;
}

/** Sessions, and what flows over them, to and from the parts that own it. */
export class Dispatcher {
  readonly tasks: Tasks;
  readonly logs: LogQueries;
  readonly routes: RouteBoard;
  readonly egress: EgressBoard;
  readonly book = new NodeBook();
  readonly #settings: DispatcherSettings;
  readonly #deps: DispatcherDeps;
  readonly #door: Door;
  readonly #publisher: Publisher;
  readonly #liveness: Liveness;
  readonly #destroyed: DestroyedApps;
  readonly #listeners = new Set<(node: NodeId) => void>();
  /** Those that have not said Hello yet included. */
  readonly #open = new OpenSessions();
  readonly #stop = new AbortController();

  constructor(settings: DispatcherSettings, deps: DispatcherDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#door = new Door(deps);
    this.#destroyed = new DestroyedApps({ ...deps, publish: (node) => this.publish(node) });
    const session = (node: NodeId): AgentSession | undefined => this.book.get(node)?.session;
    const sessions = (): readonly AgentSession[] => this.#sessions();
    this.tasks = new Tasks({
      clock: deps.clock,
      session,
      rejoinMs: settings.taskRejoinMs,
      onBuilt: (node, appId) => this.book.get(node)?.cachedApps.add(appId),
    });
    this.logs = new LogQueries({
      ...deps,
      sessions,
      nodeName: (node) => this.book.get(node)?.name ?? node,
    });
    this.#liveness = new Liveness({
      ...deps,
      book: this.book,
      unreachableAfterMs: settings.unreachableAfterMs,
      intervalMs: () => this.#intervalMs(),
      onLost: (node) => this.#notify(node),
    });
    this.routes = new RouteBoard({ ...deps, ...settings, book: this.book, sessions });
    this.egress = new EgressBoard({ ...deps, sessions });
    this.#publisher = new Publisher({
      session,
      read: (nodes) => readDesiredStates(deps.store, nodes, settings),
      onSent: (to, state, outgoing) => {
        to.ownInstances = this.book.sent(to.nodeId, state, outgoing);
        this.#destroyed.asked(to, outgoing.message?.state.destroyed);
        if (outgoing.withheld.size > 0 || outgoing.refusal !== undefined) this.#notify(to.nodeId);
      },
    });
  }

  /** Learns the fleet, and watches for silence from now on. */
  async start(): Promise<void> {
    for (const row of await this.#deps.store.nodes()) if (row.state !== 'removed') this.book.learn(row);
    void this.#liveness.watch(this.#stop.signal);
  }

  nodeChanged(row: NodeRow): void {
    const node = this.book.learn(row);
    if (row.state === 'removed') {
      node.session?.end(Status.UNAUTHENTICATED, 'This node was removed from the fleet.');
      this.book.forget(row.id);
    }
    this.#notify(row.id);
  }

  close(): void {
    this.#stop.abort();
    for (const session of this.#open.all()) session.end(Status.UNAVAILABLE, 'The controller is stopping.');
    this.tasks.close();
  }

  onChange(listener: (node: NodeId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Never rejects: a state that cannot be read is logged, and the node keeps the previous one. */
  async publish(node: NodeId): Promise<void> {
    try {
      this.routes.wake();
      this.egress.look();
      await this.#publisher.publish(node);
      const session = this.book.get(node)?.session;
      if (session !== undefined) await this.logs.onNodeChange(session);
    } catch (error) {
      this.#deps.logger.error({ node, err: error }, 'session.desired_state_not_sent');
    }
  }

  /** Takes a new stream; false when it is no node's. */
  async accept(call: AgentCall): Promise<boolean> {
    const visitor = await this.#door.admit(call);
    if (visitor !== undefined) this.#begin(call, visitor);
    return visitor !== undefined;
  }

  /** Ends what a node has open; nobody who was looked up before this gets in. */
  endSessions(node: NodeId, words: string): void {
    this.#door.revoked();
    this.routes.revoked();
    for (const session of this.#open.of(node)) session.end(Status.UNAUTHENTICATED, words);
  }

  #begin(call: AgentCall, { row, serial }: Visitor): void {
    this.book.learn(row);
    const session = new AgentSession(
      call,
      { id: row.id, serial, name: row.name },
      {
        clock: this.#deps.clock,
        logger: this.#deps.logger,
        budget: this.#settings.budget ?? DEFAULT_BUDGET,
        onMessage: (from, message) => this.#receive(from, message),
        onClose: (from) => this.#closed(from),
      },
    );
    this.#open.add(session);
    session.start();
    session.stopHelloTimer = callAfter(this.#deps.clock, this.#settings.helloTimeoutMs, () => {
      if (session.hello === undefined) session.end(Status.DEADLINE_EXCEEDED, 'No Hello came.');
    });
  }

  #receive(session: AgentSession, message: AgentMessage): Promise<void> | undefined {
    if (message.kind === 'hello') return this.#hello(session, message);
    const node = this.book.get(session.nodeId);
    if (session.hello === undefined || node?.session !== session) {
      session.end(Status.FAILED_PRECONDITION, 'Hello must come first.');
      return undefined;
    }
    if (message.kind === 'destroyedAck') this.#destroyed.acknowledged(session, message);
    else this.#route(session, node, message);
    return undefined;
  }

  #route(session: AgentSession, node: KnownNode, message: Exclude<AgentMessage, Hello | DestroyedAck>): void {
    switch (message.kind) {
      case 'heartbeat':
        this.book.heartbeat(node, message);
        break;
      case 'desiredAck':
        this.#ack(session, node, message);
        break;
      case 'instanceReport':
        this.#report(session, node, message);
        break;
      case 'taskOutput':
        this.tasks.onOutput(session, message);
        break;
      case 'taskResult':
        this.tasks.onResult(session, message);
        break;
      case 'logChunk':
        this.logs.onChunk(session, message);
        break;
      case 'routesAck':
        this.routes.acknowledged(session, message);
        break;
      case 'nodeEvent':
        this.#deps.onNodeEvent?.({ id: session.nodeId, name: session.name }, message);
    }
  }

  async #hello(session: AgentSession, hello: Hello): Promise<void> {
    const node = this.book.get(session.nodeId);
    if (session.hello !== undefined || node === undefined) {
      session.complain('session.second_hello');
      return;
    }
    session.hello = hello;
    session.stopHelloTimer?.();
    const former = node.session;
    node.session = session;
    this.book.begin(node, hello, session.address);
    this.routes.nodeChanged(node.id);
    former?.end(Status.ABORTED, 'Another session of this node took over.');
    // Before anything is written: an agent that waits for this gives up after a while and comes again, and so do a thousand.
    const [heartbeatIntervalMs, tasks] = [this.#intervalMs(), this.tasks.progressOn(node.id)];
    welcome(session, node, { ...this.#settings, hello, heartbeatIntervalMs, tasks });
    this.#deps.logger.info({ node: node.name, agentVersion: hello.facts.agentVersion }, 'session.opened');
    await this.#destroyed.learn(session, hello);
    await this.#liveness.present(node, hello.facts);
    this.tasks.onHello(session, hello);
    await this.egress.welcome(session);
    await this.publish(node.id);
    await this.routes.welcome(session);
    this.#notify(node.id);
  }

  #report(session: AgentSession, node: KnownNode, report: InstanceReport): void {
    const own = report.statuses.filter((status) => session.ownInstances.has(status.instanceId));
    if (own.length < report.statuses.length && !session.endsInstances) {
      const foreign = report.statuses.find((status) => !session.ownInstances.has(status.instanceId));
      session.complain('session.unknown_instances', {
        instance: foreign?.instanceId,
      });
    }
    this.book.report(node, own, report.complete);
    this.#notify(node.id);
  }

  #ack(session: AgentSession, node: KnownNode, ack: DesiredAck): void {
    const { clock, logger } = this.#deps;
    const { refusalRetryMs } = this.#settings;
    if (takeDesiredAck(session, ack, { node, clock, logger, refusalRetryMs, publish: () => this.publish(node.id) }))
      this.#notify(node.id);
  }

  #closed(session: AgentSession): void {
    session.stopHelloTimer?.();
    this.#open.remove(session);
    const node = this.book.get(session.nodeId);
    this.logs.onDisconnect(session);
    this.routes.ended(session);
    if (node?.session !== session) return;
    node.session = undefined;
    node.lastSeenAtMs = session.lastSeenAtMs;
    this.tasks.onDisconnect(session.nodeId);
    this.#deps.logger.info({ node: session.name }, 'session.closed');
    this.#notify(session.nodeId);
  }

  #intervalMs(): number {
    return heartbeatIntervalMs(this.book.size, this.#settings.pace);
  }

  #notify(node: NodeId): void {
    this.routes.nodeChanged(node);
    for (const listener of this.#listeners) listener(node);
  }

  #sessions(): readonly AgentSession[] {
    return [...this.book.all()].flatMap((node) => (node.session === undefined ? [] : [node.session]));
  }

  /** The last answer of a node to a desired state, in this life of the controller. */
  ackOf(node: NodeId): DesiredAck | undefined {
    return this.book.get(node)?.ack;
  }
}
