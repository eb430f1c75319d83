import type { TestContext } from 'node:test';
import { refuseRoutes } from '../../agent/accepted/fleet-routes.ts';
import { connectSession, type OpenSession, type SessionConfig } from '../../agent/session/connect-session.ts';
import type { SessionHandlers } from '../../agent/session/port.ts';
import { createDispatch, type Dispatch, type DispatchConfig } from '../../controller/dispatch/create-dispatch.ts';
import type { App } from '../../controller/domain/apps.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { EgressTable } from '../../shared/domain/egress.ts';
import { routesDigest, withUpdate, type FleetRoutes, type RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { Task } from '../../shared/domain/task.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import type { LogFields, Logger } from '../../shared/kit/log.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { issueNode, makeCa, nodeStateDir, serverTls, type IssuedNode, type TestCa } from './certificates.ts';
import { addApp, addNode, addUser, newRelease, openMemoryStore } from './store-fixtures.ts';

interface RecordedEvent {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
  /** The event and its values, to search for words. */
  readonly line: string;
}

/** Collects events instead of printing them. */
export function recordingLogger(): Logger & { readonly events: RecordedEvent[] } {
  const events: RecordedEvent[] = [];
  const at =
    (level: string) =>
    (fields: LogFields, event: string): void =>
      void events.push({ level, event, fields, line: [event, ...Object.values(fields)].join(' ') });
  const logger = {
    events,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (): Logger => logger,
  };
  return logger;
}

export type FakeAgent = Mutable<SessionHandlers> & {
  accepted: DesiredState[];
  started: Task[];
  cancelled: TaskId[];
  running: TaskId[];
  statuses: InstanceStatus[];
  refuse: Reason | undefined;
  lines: LogLine[];
  routes: FleetRoutes | undefined;
  updates: RoutesUpdate[];
  egress: EgressTable | undefined;
};
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Handlers that record the requests of the controller. */
export function fakeAgent(): FakeAgent {
  const agent: FakeAgent = {
    accepted: [],
    started: [],
    cancelled: [],
    running: [],
    statuses: [],
    refuse: undefined,
    lines: [],
    routes: undefined,
    updates: [],
    hello: async () => ({
      facts: {
        ...{
          agentVersion: '0.1.0',
          os: 'debian-12',
          kernel: '6',
          arch: 'x64',
          cpus: 2,
          memoryBytes: 1e9,
          diskBytes: 1e10,
        },
        ...{
          diskFreeBytes: 5e9,
          sandboxDriver: 'fake',
          stacks: ['host'],
          proxyVersion: '',
          missing: [],
          builder: true,
          httpAddress: '',
        },
      },
      acceptedState: agent.accepted.at(-1),
      cachedAppIds: [],
      runningTaskIds: agent.running,
      fleetRoutesDigest: agent.routes === undefined ? undefined : routesDigest(agent.routes),
    }),
    heartbeat: async () => ({ diskFreeBytes: 4e9, load1: 0.5, memoryFreeBytes: 1e8, unreadableRequests: { count: 2 } }),
    instances: () => agent.statuses,
    accept: async (desired) => {
      if (agent.refuse !== undefined) return agent.refuse;
      agent.accepted.push(desired);
      return undefined;
    },
    acceptRoutes: async (update) => {
      const reason = refuseRoutes(agent.routes, update);
      if (reason !== undefined) return reason;
      agent.routes = withUpdate(agent.routes ?? update, update);
      agent.updates.push(update);
      return undefined;
    },
    egress: undefined,
    acceptEgress: async (table) => void (agent.egress = table),
    startTask: (task) => void agent.started.push(task),
    cancelTask: (taskId) => void agent.cancelled.push(taskId),

    queryLogs: async function* (query) {
      yield* agent.lines.slice(-query.lines);
    },
  };
  return agent;
}

export interface Rig {
  readonly store: Store;
  readonly ca: TestCa;
  readonly dispatch: Dispatch;
  readonly port: number;
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly app: App;
  /** A joined node and its certificate. */
  join(name: string): Promise<{ row: NodeRow; issued: IssuedNode; stateDir: string }>;
  /** Starts the controller again, on the same port and database. */
  restart(): Promise<Dispatch>;
}

/** Short times for what must happen. Long times for what a slow machine could cause; a test of these sets shorter ones. */
const FAST: Partial<DispatchConfig> = {
  unreachableAfterMs: 240_000,
  taskRejoinMs: 60_000,
  refusalRetryMs: 100,
  heartbeatRate: { perSecond: 1_000, minMs: 100, maxMs: 1_000 },
};

/** The dispatch of a controller on loopback, with a database in memory, an app with a release, and a CA. */
export async function startRig(t: TestContext, config: Partial<DispatchConfig> = {}): Promise<Rig> {
  const [store, ca, logger] = [await openMemoryStore(), await makeCa(t), recordingLogger()];
  const app = await addApp(store, (await addUser(store)).id);
  await store.createRelease(newRelease(app));
  const tls = await serverTls(ca);
  const open = async (port: number): Promise<{ dispatch: Dispatch; port: number }> => {
    const epoch = await store.newEpoch(randomId());
    const settings = {
      epoch,
      baseDomain: 'example.test',
      tls,
      listenAddress: `127.0.0.1:${String(port)}`,
      ...FAST,
      ...config,
    };
    const dispatch = createDispatch(settings, { store, clock: systemClock, logger, randomId });
    return { dispatch, port: await dispatch.listen() };
  };
  let current = await open(0);
  t.after(async () => {
    await current.dispatch.close();
    await store.close();
  });
  return {
    ...{ store, ca, logger, app },
    port: current.port,
    get dispatch() {
      return current.dispatch;
    },
    join: async (name) => {
      const issued = await issueNode(ca);
      return { issued, row: await addNode(store, name, issued.serial), stateDir: await nodeStateDir(t, issued.tls) };
    },
    restart: async () => {
      await current.dispatch.close();
      current = await open(current.port);
      return current.dispatch;
    },
  };
}

/** A real session client that connects to the rig. */
export function connectAgent(
  t: TestContext,
  rig: Pick<Rig, 'port'>,
  agentSide: { stateDir: string; agent: SessionHandlers; logger?: Logger; config?: Partial<SessionConfig> },
): OpenSession {
  const config = {
    address: `localhost:${String(rig.port)}`,
    stateDir: agentSide.stateDir,
    backoff: { firstMs: 20, maxMs: 100, factor: 2 },
    ...agentSide.config,
  };
  const session = connectSession(config, agentSide.agent, {
    clock: systemClock,
    logger: agentSide.logger ?? recordingLogger(),
    random: Math.random,
  });
  t.after(() => session.close());
  return session;
}
