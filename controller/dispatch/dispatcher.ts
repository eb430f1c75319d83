import { status as Status } from '@grpc/grpc-js';
import type { Epoch } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { noFailpoint, type Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { AgentMessage, Hello } from '../../shared/rpc/messages.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import { AgentSession, type AgentCall } from './agent-session.ts';
import { AttachStreams } from './attach-streams.ts';
import type { AuthenticatedNode } from './authenticated-node.ts';
import { Commands, type CommandsDeps } from './commands.ts';
import { EgressDistributor, type EgressDistributorDeps } from './egress-distributor.ts';
import { DestroyedApps, type DestroyedAppsDeps } from './destroyed-apps.ts';
import { Liveness } from './liveness.ts';
import { RouteDistributor, type RouteDistributorDeps } from './route-distributor.ts';
import { LogQueries } from './log-queries.ts';
import { DEFAULT_BUDGET, type Budget } from './message-budget.ts';
import { heartbeatIntervalMs, type HeartbeatRate } from './heartbeat-interval.ts';
import { MessageRouter, type MessageRouterDeps } from './message-router.ts';
import { NodeRegistry } from './node-registry.ts';
import { OpenSessions } from './open-sessions.ts';
import { Publisher } from './publisher.ts';
import { RestartLeaves } from './restart-leaves.ts';
import { readDesiredStates } from './read-desired.ts';
import { sendWelcome } from './send-welcome.ts';
import { SessionAuthenticator, type SessionAuthenticatorDeps } from './session-authenticator.ts';
import { SwitchCounts } from './switch-counts.ts';
import { TaskRecords, type TaskRecordsDeps } from './task-records.ts';
import { Tasks } from './tasks.ts';

export type DispatchStore = SessionAuthenticatorDeps['store'] &
  RouteDistributorDeps['store'] &
  EgressDistributorDeps['store'] &
  DestroyedAppsDeps['store'] &
  TaskRecordsDeps['store'] &
  CommandsDeps['store'] &
  Pick<Store, 'nodes' | 'setNodeState' | 'setNodesPresent' | 'assignmentsOfApp' | 'desiredRows'>;

export interface DispatcherSettings {
  readonly epoch: Epoch;
  readonly baseDomain: string;
  readonly unreachableAfterMs: number;
  readonly taskRejoinMs: number;
  readonly helloTimeoutMs: number;
  readonly refusalRetryMs: number;
  readonly budget?: Budget | undefined;
  /** The controller's version. Default: the version of this build. */
  readonly version?: string | undefined;
  readonly heartbeatRate?: HeartbeatRate | undefined;
}

export interface DispatcherDeps {
  readonly store: DispatchStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: RandomId;
  readonly onNodeEvent?: MessageRouterDeps['onNodeEvent'];
  readonly failpoint?: Failpoint | undefined;
}

/** Opens and closes agent sessions, and connects the modules that use them. */
export class Dispatcher {
  readonly tasks: Tasks;
  readonly commands: Commands;
  readonly logs: LogQueries;
  readonly routes: RouteDistributor;
  readonly egress: EgressDistributor;
  readonly attached: AttachStreams;
  readonly switches: SwitchCounts;
  readonly registry = new NodeRegistry();
  readonly #settings: DispatcherSettings;
  readonly #deps: DispatcherDeps;
  readonly #authenticator: SessionAuthenticator;
  readonly #publisher: Publisher;
  readonly #liveness: Liveness;
  readonly #destroyed: DestroyedApps;
  readonly #taskRecords: TaskRecords;
  readonly #router: MessageRouter;
  readonly #listeners = new Set<(node: NodeId) => void>();
  /** Includes sessions that have not sent Hello yet. */
  readonly #open = new OpenSessions();
  readonly #stop = new AbortController();

  constructor(settings: DispatcherSettings, deps: DispatcherDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#authenticator = new SessionAuthenticator(deps);
    this.#destroyed = new DestroyedApps({ ...deps, publish: (node) => this.publish(node) });
    const session = (node: NodeId): AgentSession | undefined => this.registry.get(node)?.session;
    const sessions = (): readonly AgentSession[] => this.#sessions();
    this.#taskRecords = new TaskRecords(deps);
    this.tasks = new Tasks({
      ...{ clock: deps.clock, records: this.#taskRecords, session, rejoinMs: settings.taskRejoinMs },
      onSucceeded: (node, { appId }) => this.registry.get(node)?.cachedApps.add(appId),
    });
    this.commands = this.#createCommands(session);
    this.logs = new LogQueries({
      ...deps,
      sessions,
      nodeName: (node) => this.registry.get(node)?.name ?? node,
    });
    this.#liveness = new Liveness({
      ...deps,
      registry: this.registry,
      unreachableAfterMs: settings.unreachableAfterMs,
      intervalMs: () => this.#intervalMs(),
      onUnreachable: (node) => this.#notify(node),
    });
    this.routes = new RouteDistributor({ ...deps, ...settings, registry: this.registry, sessions });
    this.attached = new AttachStreams({
      ...deps,
      authenticate: (call) => this.#authenticator.authenticate(call),
      node: (id) => this.registry.get(id),
    });
    this.egress = new EgressDistributor({ ...deps, sessions });
    this.switches = new SwitchCounts({ ...deps, sessions });
    this.#router = this.#createRouter();
    this.#publisher = new Publisher({
      session,
      read: (nodes) => readDesiredStates(deps.store, nodes, settings),
      onSent: (to, state, outgoing) => {
        to.ownInstances = this.registry.recordSent(to.nodeId, state, outgoing);
        this.#destroyed.recordSent(to, outgoing.message?.state.destroyed);
        if (outgoing.withheld.size > 0 || outgoing.reason !== undefined) this.#notify(to.nodeId);
      },
    });
  }

  /** Loads the nodes from the database and begins to watch for nodes that fall silent. */
  async start(): Promise<void> {
    await this.#taskRecords.failInterrupted();
    for (const row of await this.#deps.store.nodes()) if (row.state !== 'removed') this.registry.upsert(row);
    await this.commands.load();
    void this.#liveness.watch(this.#stop.signal);
  }

  #createRouter(): MessageRouter {
    const { clock, logger, onNodeEvent } = this.#deps;
    const { registry, tasks, commands, logs, routes, switches } = this;
    const leaves = new RestartLeaves({ ...this.#deps, registry });
    return new MessageRouter({
      ...{ registry, tasks, commands, logs, routes, switches, leaves },
      ...{ liveness: this.#liveness, destroyed: this.#destroyed },
      ...{ clock, logger, onNodeEvent, refusalRetryMs: this.#settings.refusalRetryMs },
      publish: (node) => this.publish(node),
      notify: (node) => this.#notify(node),
    });
  }

  #createCommands(session: (node: NodeId) => AgentSession | undefined): Commands {
    const { failpoint = noFailpoint, ...deps } = this.#deps;
    const nodeName = (node: NodeId): string => this.registry.get(node)?.name ?? node;
    return new Commands({ ...deps, session, nodeName, failpoint, rejoinMs: this.#settings.taskRejoinMs });
  }

  nodeChanged(row: NodeRow): void {
    const node = this.registry.upsert(row);
    if (row.state === 'removed') {
      node.session?.end(Status.UNAUTHENTICATED, 'This node was removed from the fleet.');
      this.attached.end(row.id);
      this.registry.remove(row.id);
      this.commands.onRemoved(row.id);
    }
    this.#notify(row.id);
  }

  close(): void {
    this.#stop.abort();
    for (const session of this.#open.all()) session.end(Status.UNAVAILABLE, 'The controller is stopping.');
    this.attached.end();
    this.tasks.close();
    this.commands.close();
    this.routes.close();
  }

  onChange(listener: (node: NodeId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Never rejects. When the state cannot be read, the error is logged and the node keeps its last state. */
  async publish(node: NodeId): Promise<void> {
    try {
      this.routes.scheduleRefresh();
      this.egress.scheduleRefresh();
      await this.#publisher.publish(node);
      const session = this.registry.get(node)?.session;
      if (session !== undefined) await this.logs.onNodeChange(session);
    } catch (error) {
      this.#deps.logger.error({ node, err: error }, 'session.desired_state_not_sent');
    }
  }

  /** @returns false when the stream does not belong to a node */
  async accept(call: AgentCall): Promise<boolean> {
    const node = await this.#authenticator.authenticate(call);
    if (node !== undefined) this.#openSession(call, node);
    return node !== undefined;
  }

  /** Ends all sessions of a node. A stream that is being authenticated now is checked again. */
  endSessions(node: NodeId, reason: string): void {
    this.#authenticator.certificatesRevoked();
    this.routes.certificatesRevoked();
    for (const session of this.#open.byNode(node)) session.end(Status.UNAUTHENTICATED, reason);
    this.attached.end(node);
  }

  #openSession(call: AgentCall, { row, serial }: AuthenticatedNode): void {
    this.registry.upsert(row);
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
      if (session.hello === undefined) session.end(Status.DEADLINE_EXCEEDED, 'The agent sent no Hello in time.');
    });
  }

  #receive(session: AgentSession, message: AgentMessage): Promise<void> | undefined {
    if (message.kind === 'hello') return this.#hello(session, message);
    const node = this.registry.get(session.nodeId);
    if (session.hello === undefined || node?.session !== session) {
      session.end(Status.FAILED_PRECONDITION, 'Hello must come first.');
      return undefined;
    }
    this.#router.route(session, node, message);
    return undefined;
  }

  async #hello(session: AgentSession, hello: Hello): Promise<void> {
    const node = this.registry.get(session.nodeId);
    if (session.hello !== undefined || node === undefined) {
      session.warnOnce('session.second_hello');
      return;
    }
    session.hello = hello;
    session.stopHelloTimer?.();
    const former = node.session;
    node.session = session;
    this.registry.sessionStarted(node, hello, session.address);
    this.routes.nodeChanged(node.id);
    former?.end(Status.ABORTED, 'A newer session of this node replaced this one.');
    // Welcome goes out before the database writes. Otherwise agents time out and reconnect, and a large fleet overloads the database.
    const heartbeatIntervalMs = this.#intervalMs();
    const tasks = [...this.tasks.progressOn(node.id), ...this.commands.progressOn(node.id)];
    sendWelcome(session, node, { ...this.#settings, hello, heartbeatIntervalMs, tasks });
    this.switches.sessionStarted(session);
    this.#deps.logger.info({ node: node.name, agentVersion: hello.facts.agentVersion }, 'session.opened');
    await this.#destroyed.findUnknown(session, hello);
    await this.#liveness.present(node, hello.facts);
    this.tasks.onHello(session, hello, (taskId) => this.commands.holds(taskId, node.id));
    this.commands.onHello(session, hello);
    await this.egress.sessionStarted(session);
    await this.publish(node.id);
    await this.routes.sessionStarted(session);
    this.#notify(node.id);
  }

  #closed(session: AgentSession): void {
    session.stopHelloTimer?.();
    this.#open.remove(session);
    const node = this.registry.get(session.nodeId);
    this.logs.onDisconnect(session);
    this.routes.sessionEnded(session);
    if (node?.session !== session) return;
    node.session = undefined;
    node.lastSeenAtMs = session.lastSeenAtMs;
    this.tasks.onDisconnect(session.nodeId);
    this.commands.onDisconnect(session.nodeId);
    this.#deps.logger.info({ node: session.name }, 'session.closed');
    this.#notify(session.nodeId);
  }

  #intervalMs(): number {
    return heartbeatIntervalMs(this.registry.size, this.#settings.heartbeatRate);
  }

  #notify(node: NodeId): void {
    this.routes.nodeChanged(node);
    for (const listener of this.#listeners) listener(node);
  }

  #sessions(): readonly AgentSession[] {
    return [...this.registry.all()].flatMap((node) => (node.session === undefined ? [] : [node.session]));
  }
}
