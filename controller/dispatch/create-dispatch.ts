import type { Epoch } from '../../shared/domain/assignment.ts';
import { BUILDER_AWAY_MS } from '../../shared/domain/build.ts';
import type { Digest, InstanceId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { DesiredAck } from '../../shared/rpc/messages.ts';
import type { ConnectionLimits, PeerName } from '../access/connection-limiter.ts';
import type { BuilderNode, Builders } from '../build/port.ts';
import type { CommandRunner } from './commands.ts';
import { Dispatcher, type DispatcherDeps } from './dispatcher.ts';
import type { Budget } from './message-budget.ts';
import { liveNode } from './live-node.ts';
import type { NodeObserver } from './node-registry.ts';
import type { HeartbeatRate } from './heartbeat-interval.ts';
import type { Fleet } from './port.ts';
import { RenewableCredentials, type ServerTls } from './server-credentials.ts';
import type { SwitchCounts } from './switch-counts.ts';
import { AGENT_PORT_LIMITS, AgentPort, createGrpcServer, peerOf } from './server.ts';

export interface DispatchConfig {
  /** The epoch of this controller process, from `Store.newEpoch`. */
  readonly epoch: Epoch;
  /** The default hostname of an app is `<app>.<baseDomain>`. */
  readonly baseDomain: string;
  readonly tls: ServerTls;
  /** `host:port`. Port 0 selects a free port. */
  readonly listenAddress: string;
  /** A node is unreachable after this time without a message. Default: 25 s, so that it is detected within 30 s. */
  readonly unreachableAfterMs?: number | undefined;
  /** How long a node may be without a session before its tasks fail. Default: BUILDER_AWAY_MS. */
  readonly taskRejoinMs?: number | undefined;
  readonly keepaliveTimeMs?: number | undefined;
  readonly keepaliveTimeoutMs?: number | undefined;
  /** A connection without a session is closed after this time. Default: 60 s. */
  readonly connectionIdleMs?: number | undefined;
  readonly portLimits?: Partial<ConnectionLimits> | undefined;
  readonly heartbeatRate?: HeartbeatRate | undefined;
  readonly budget?: Budget | undefined;
  readonly refusalRetryMs?: number | undefined;
  /** The controller's version. Default: the version of this build. */
  readonly version?: string | undefined;
}

export interface Dispatch {
  readonly fleet: Fleet;
  readonly builders: Builders;
  readonly commands: CommandRunner;
  readonly switches: SwitchCounts;
  /** Opens the agent port. @returns the port. @throws SLIP_DISPATCH_TLS, SLIP_DISPATCH_LISTEN */
  listen(): Promise<number>;
  /** Sets the server certificate of new connections. @throws SLIP_DISPATCH_TLS */
  renewTls(tls: ServerTls): void;
  /** Ends every session, then closes the port. */
  close(): Promise<void>;
  /** The node that runs a task. */
  taskNode(taskId: TaskId): NodeId | undefined;
  /** A node may read the layers of the releases that are assigned to it. */
  mayReadImage(node: NodeId, digest: Digest): Promise<boolean>;
  /** A node may upload layers while it runs a task. */
  mayWriteImage(node: NodeId, digest: Digest): Promise<boolean>;
  /** Ends every session of a node and tells the agent the reason. */
  endSessions(node: NodeId, reason: string): void;
  /** Asks a node to run the checks of these instances once. @returns false when the node is not connected */
  runChecks(node: NodeId, instanceIds: readonly InstanceId[], run: number): boolean;
  /** Asks a node to install another version of the agent. @returns false when the node is not connected */
  upgrade(node: NodeId, version: string): boolean;
  /** The node's last answer to a desired state. A refusal remains until the node accepts a state. */
  acknowledgement(node: NodeId): DesiredAck | undefined;
}

const UNREACHABLE_AFTER_MS = 25_000;

/** The controller's side of every agent session. */
export function createDispatch(
  config: DispatchConfig,
  deps: DispatcherDeps & { readonly observer?: NodeObserver },
): Dispatch {
  const dispatcher = new Dispatcher(
    {
      ...config,
      unreachableAfterMs: config.unreachableAfterMs ?? UNREACHABLE_AFTER_MS,
      taskRejoinMs: config.taskRejoinMs ?? BUILDER_AWAY_MS,
      helloTimeoutMs: 10_000,
      refusalRetryMs: config.refusalRetryMs ?? 30_000,
    },
    deps,
  );
  dispatcher.registry.observer = deps.observer;
  const port = createAgentPort(config, deps, dispatcher);
  let credentials: RenewableCredentials | undefined;
  return {
    fleet: createFleet(dispatcher),
    builders: createBuilders(dispatcher),
    commands: createCommandRunner(dispatcher),
    switches: dispatcher.switches,
    listen: async () => {
      credentials = new RenewableCredentials(config.tls);
      await dispatcher.start();
      return port.listen(config.listenAddress, credentials);
    },
    renewTls: (tls) => credentials?.renew(tls),
    close: async () => {
      dispatcher.close();
      await port.close(deps.clock);
    },
    taskNode: (taskId) => dispatcher.tasks.nodeOf(taskId),
    mayReadImage: (node, digest) => mayRead(deps.store, node, digest),
    mayWriteImage: async (node) => dispatcher.tasks.countOn(node) > 0,
    endSessions: (node, reason) => dispatcher.endSessions(node, reason),
    runChecks: (node, instanceIds, run) => {
      const session = dispatcher.registry.get(node)?.session;
      session?.send({ kind: 'runChecks', run, instanceIds });
      return session !== undefined;
    },
    upgrade: (node, version) => {
      const session = dispatcher.registry.get(node)?.session;
      session?.send({ kind: 'upgrade', version });
      return session !== undefined;
    },
    acknowledgement: (node) => dispatcher.registry.get(node)?.ack,
  };
}

function createAgentPort(
  config: DispatchConfig,
  { clock, logger }: Pick<DispatcherDeps, 'clock' | 'logger'>,
  dispatcher: Dispatcher,
): AgentPort {
  const settings = {
    keepaliveTimeMs: config.keepaliveTimeMs ?? 20_000,
    keepaliveTimeoutMs: config.keepaliveTimeoutMs ?? 10_000,
    connectionIdleMs: config.connectionIdleMs ?? 60_000,
  };
  const admit = (peer: PeerName, isAdmitted: Promise<boolean>): void => {
    void isAdmitted.then((admitted) => {
      if (admitted) port.authenticated(peer);
    });
  };
  const server = createGrpcServer(settings, {
    onSession: (call) => admit(peerOf(call), dispatcher.accept(call)),
    onAttach: (call) => admit(peerOf(call), dispatcher.attached.accept(call)),
  });
  const port = new AgentPort(server, { ...AGENT_PORT_LIMITS, ...config.portLimits }, { clock, log: logger });
  return port;
}

/** The state of the fleet that other modules read. */
export function createFleet(dispatcher: Dispatcher): Fleet {
  return {
    nodes: () => [...dispatcher.registry.all()].map((node) => liveNode(node, dispatcher.routes.served)),
    node: (nodeId) => {
      const known = dispatcher.registry.get(nodeId);
      return known === undefined ? undefined : liveNode(known, dispatcher.routes.served);
    },
    status: (instanceId) => dispatcher.registry.status(instanceId),
    statusesOn: (nodeId) => [...(dispatcher.registry.get(nodeId)?.statuses.values() ?? [])],
    publish: (nodeId) => dispatcher.publish(nodeId),
    nodeChanged: (row) => {
      dispatcher.nodeChanged(row);
    },
    startFailed: (nodeId, reason) => {
      const known = dispatcher.registry.get(nodeId);
      if (known !== undefined) known.startFailure = reason;
    },
    onChange: (listener) => dispatcher.onChange(listener),
    routesApplied: (appId, signal, leaving = []) => dispatcher.routes.waitUntilApplied(appId, signal, leaving),
    leftOutOfRoutes: (appId) => dispatcher.routes.capacity.reasonLeftOut(appId),
    certificatesChanged: () => dispatcher.routes.storedChanged(),
    proxySettingsChanged: () => dispatcher.routes.storedChanged(),
    setAcmeThumbprint: (thumbprint) => dispatcher.routes.setAcmeThumbprint(thumbprint),
    servedBy: (id) => {
      const fingerprint = dispatcher.routes.fingerprintOf(id);
      if (fingerprint === undefined) return undefined;
      return { fingerprint, nodes: dispatcher.routes.nodesFor(id) };
    },
    egressChanged: () => dispatcher.egress.refresh(),
    logs: (query, signal) => dispatcher.logs.read(query, signal),
    attach: (nodeId, target, signal) => dispatcher.attached.open(nodeId, target, signal),
  };
}

function createBuilders(dispatcher: Dispatcher): Builders {
  const available = (): readonly BuilderNode[] =>
    [...dispatcher.registry.all()]
      .filter((node) => node.session !== undefined && node.state === 'ready' && node.facts.builder)
      .map((node) => ({
        nodeId: node.id,
        name: node.name,
        runningTasks: dispatcher.tasks.countOn(node.id),
        cachedApps: node.cachedApps,
        stacks: node.facts.stacks,
        labels: node.labels,
        cordoned: node.cordoned,
      }));
  return {
    available,
    runBuild: async (request) => {
      await dispatcher.egress.refresh(); // another app with this name may have been destroyed
      return await dispatcher.tasks.runTask(request);
    },
  };
}

function createCommandRunner({ commands, egress }: Dispatcher): CommandRunner {
  return {
    start: async (row, task) => {
      await egress.refresh(); // another app with this name may have been destroyed
      await commands.start(row, task);
    },
    cancel: (id, drainedNode) => commands.cancel(id, drainedNode),
    ended: (id, watch) => commands.ended(id, watch),
    onProgress: (id, listener) => commands.onProgress(id, listener),
    takes: (node, attached) => commands.takes(node, attached),
  };
}

async function mayRead(store: DispatcherDeps['store'], node: NodeId, digest: Digest): Promise<boolean> {
  const { releases } = await store.desiredRows([node]);
  if (releases.some((release) => release.slug.layers.some((layer) => layer.digest === digest))) return true;
  return await store.commandUsesImage(node, digest);
}
