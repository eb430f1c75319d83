import { join } from 'node:path';
import type { DesiredState } from '../shared/domain/assignment.ts';
import { routesDigest, type FleetRoutes } from '../shared/domain/fleet-routes.ts';
import type { TaskId } from '../shared/domain/ids.ts';
import type { Reason } from '../shared/domain/instance.ts';
import type { Clock } from '../shared/kit/clock.ts';
import { run } from '../shared/kit/exec.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { Logger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { DEFAULT_CACHE_LIMIT, DEFAULT_SOURCE_LIMIT_BYTES, pickBuildEnv } from './build/config.ts';
import { createLayerBuilder } from './build/layers/layer-builder.ts';
import { createBuildRunner, type NodeBuildRunner } from './build/runner.ts';
import { Tasks } from './build/tasks.ts';
import { composeDestroyed } from './compose-destroyed.ts';
import { composeLogs, identifyLogs, queryLogs } from './compose-logs.ts';
import { composeProxy } from './compose-proxy.ts';
import { composeUnits, hasSystemd } from './compose-units.ts';
import type { AgentConfig } from './config.ts';
import type { DestroyedApps } from './destroyed/destroyed-apps.ts';
import { Egress } from './egress-file.ts';
import { createImages, type NodeImages } from './images/images.ts';
import { keepHost } from './keep-host.ts';
import { appIdsByName } from './logs/former-logs.ts';
import { LogBook } from './logs/log-book.ts';
import type { Logs } from './logs/port.ts';
import { UnreadableCount } from './logs/unreadable-count.ts';
import { ownFacts, ownHeartbeat } from './own-facts.ts';
import { markConnected, ownVersion } from './program.ts';
import type { Proxy } from './proxy/port.ts';
import { NO_APP_MARK, unreadableCause } from './proxy/unreadable-request.ts';
import { createExecutors } from './reconcile/executors.ts';
import { explainStep } from './reconcile/explain-step.ts';
import { createInstanceRecords } from './reconcile/instances.ts';
import { createFleetLedger, type FleetLedger } from './reconcile/fleet-ledger.ts';
import { createLedger, type Ledger } from './reconcile/ledger.ts';
import { ReconcileLoop } from './reconcile/loop.ts';
import { RouteSwitch } from './reconcile/route-switch.ts';
import { createSandbox, type RemovableSandbox } from './sandbox/create.ts';
import { currentBootId } from './sandbox/handle.ts';
import { dynoSpec } from './sandbox/dyno.ts';
import { connectSession, type OpenSession } from './session/connect-session.ts';
import { collectFacts, osRelease } from './session/facts.ts';
import { createImageTransport, type ControllerTransport } from './session/image-transport.ts';
import { keepCertificateFresh } from './session/keep-certificate.ts';
import { notJoined, readIdentity, type NodeIdentity } from './session/node-files.ts';
import type { SessionHandlers } from './session/port.ts';
import type { UnitFiles } from './unit-files.ts';
import { tellLastSwitch, upgradeTo, type UpgradeDeps } from './upgrade.ts';

const PRODUCT_DIR = join(import.meta.dirname, '..');
const HOST_CHECK_MS = 5_000;
const GATE_WRONG_BIND_MS = 5_000;

export interface Basics {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One renewal of the node's certificate, from the question to the file. */
  readonly renewCertificate: () => Promise<void>;
}

export interface Drivers {
  readonly identity: NodeIdentity;
  readonly sandbox: RemovableSandbox;
  readonly images: NodeImages;
  readonly transport: ControllerTransport;
  readonly proxy: Proxy;
  readonly logs: Logs;
  readonly logBook: LogBook;
  readonly unreadable: UnreadableCount;
  readonly builds: NodeBuildRunner;
  readonly ledger: Ledger;
  readonly fleetLedger: FleetLedger;
  readonly units: UnitFiles;
  readonly egress: Egress;
}

/** What holds the machine's resources: sandboxes, images, proxy, logs, builds. */
export async function composeDrivers(basics: Basics): Promise<Drivers> {
  const { config, clock, log } = basics;
  const identity = await readIdentity(config.stateDir);
  if (identity === undefined) throw notJoined();
  const { network, stateDir } = config;
  const meshPort = config.mesh === false ? undefined : config.mesh.port;
  const sandboxConfig = { ...network, stateDir, meshPort, warm: 2, supervisor: 'auto' as const };
  const sandbox = await createSandbox(config.sandbox, sandboxConfig, { run, clock, log, randomId });
  const transport = createImageTransport({ apiUrl: identity.apiUrl, stateDir });
  const mode = config.sandbox === 'process' ? 'extract' : 'mount';
  const images = createImages({ stateDir, mode, budgetBytes: config.imageBudgetBytes }, { transport, run, clock, log });
  const proxy = composeProxy(basics, hasSystemd());
  const ledger = createLedger({ stateDir, clock, logger: log });
  const fleetLedger = createFleetLedger({ stateDir, logger: log });
  const logBook = new LogBook(join(stateDir, 'log-book.json'), (id) => sandbox.logDir(id));
  await logBook.load();
  const logs = composeLogs(basics, { sandbox, proxy, logBook });
  const unreadable = new UnreadableCount({
    dir: proxy.logDir(),
    mark: NO_APP_MARK,
    causeOf: unreadableCause,
    clock,
    log,
  });
  const builds = await composeBuilds(basics, { sandbox, images, transport, ledger });
  const units = await composeUnits(basics, PRODUCT_DIR);
  const egress = new Egress({ stateDir, sandbox, log });
  return {
    identity,
    sandbox,
    images,
    transport,
    proxy,
    logs,
    logBook,
    unreadable,
    builds,
    ledger,
    fleetLedger,
    units,
    egress,
  };
}

async function composeBuilds(
  basics: Basics,
  from: Pick<Drivers, 'sandbox' | 'images' | 'transport' | 'ledger'>,
): Promise<NodeBuildRunner> {
  const { config, clock, log, env } = basics;
  const { sandbox, images, transport, ledger } = from;
  return createBuildRunner(
    {
      tasksDir: join(config.stateDir, 'tasks'),
      cacheDir: join(config.stateDir, 'build-cache'),
      buildpacksDir: join(PRODUCT_DIR, 'buildpacks'),
      insideDir: join(PRODUCT_DIR, 'agent', 'build', 'inside'),
      toolchainDir: config.toolchainDir,
      platform: `${await osRelease()}-${process.arch}`,
      buildEnv: { ...pickBuildEnv(env), ...config.buildEnv },
      sourceLimitBytes: DEFAULT_SOURCE_LIMIT_BYTES,
      cacheLimit: DEFAULT_CACHE_LIMIT,
      canMount: config.sandbox !== 'process',
    },
    {
      sandbox,
      layers: createLayerBuilder({ stateDir: config.stateDir }, { images, run }),
      images,
      transport,
      runsHere: (appId) => ledger.current()?.assignments.some((assignment) => assignment.appId === appId) === true,
      clock,
      random: Math.random,
      run,
      log,
    },
  );
}

export interface Agent {
  /** Adopts what runs, then follows the ledger and the controller. */
  start(): Promise<void>;
  /** Leaves every app running. */
  stop(): Promise<void>;
}

/** The agent itself: loop, tasks and session over the drivers. */
export function composeAgent(basics: Basics, drivers: Drivers): Agent {
  const { config, clock, log } = basics;
  const { sandbox, images, proxy, builds, ledger, transport, identity } = drivers;
  const holder: { session: OpenSession | undefined } = { session: undefined };
  const tasks = new Tasks({
    runner: builds,
    failpoint: basics.failpoint,
    openSource: (taskId, signal) => transport.openSource(taskId, signal),
    output: (taskId, chunk) => holder.session?.taskOutput(taskId, chunk),
    result: (taskId, outcome) => holder.session?.taskResult(taskId, outcome),
    ended: () => destroyed.wake(),
    log,
  });
  const destroyed = composeDestroyed(basics, {
    ...{ ...drivers, tasks, loop: () => loop, random: Math.random },
    acknowledge: (appIds) => holder.session?.destroyedAck(appIds),
  });
  const loop = composeLoop(basics, { ...drivers, destroyed }, (statuses) => holder.session?.reportInstances(statuses));
  const tell = (reason: Reason): void => holder.session?.event({ reason });
  const handlers = sessionHandlers(basics, drivers, { loop, tasks, destroyed, tell });
  const stop = new AbortController();
  return {
    start: async () => {
      await images.ensureHost();
      await drivers.egress.restore();
      await sandbox.ensureHost();
      await builds.sweep();
      await drivers.unreadable.open();
      await proxy.ensureRunning();
      const desired = await ledger.load();
      const routes = await drivers.fleetLedger.load();
      await identifyLogs(config.stateDir, drivers, appIdsByName(desired, routes));
      if (routes !== undefined) void loop.setRoutes(routes);
      if (desired !== undefined) destroyed.setDesired(desired);
      await loop.start(desired);
      destroyed.start();
      holder.session = connectSession({ address: identity.grpcAddress, stateDir: config.stateDir }, handlers, {
        clock,
        logger: log,
        random: Math.random,
      });
      void keepCertificateFresh(
        { ...basics, stateDir: config.stateDir, random: Math.random, onLate: tell },
        stop.signal,
      );
    },
    stop: async () => {
      stop.abort();
      tasks.cancelAll();
      await builds.settled();
      await destroyed.stop();
      await holder.session?.close();
      await loop.stop();
      await drivers.unreadable.close();
    },
  };
}

function composeLoop(
  basics: Basics,
  drivers: Drivers & { readonly destroyed: DestroyedApps },
  report: ConstructorParameters<typeof ReconcileLoop>[0]['report'],
): ReconcileLoop {
  const { config, clock, log, failpoint } = basics;
  const { sandbox, images, proxy, logs, logBook, destroyed } = drivers;
  const records = createInstanceRecords(join(config.stateDir, 'instances'));
  const routes = new RouteSwitch({ proxy, clock, log, failpoint, self: drivers.identity.nodeId });
  const executors = {
    sandbox,
    images,
    proxy,
    logs,
    logBook,
    records,
    dynoSpec: (assignment: DesiredState['assignments'][number], lowerDirs: readonly string[]) =>
      dynoSpec({ assignment, lowerDirs }),
    gatePolicy: { timeoutMs: config.gateTimeoutMs, wrongBindAfterMs: GATE_WRONG_BIND_MS },
    stopTimeoutMs: config.stopTimeoutMs,
    drainTimeoutMs: config.drainTimeoutMs,
    forgotten: () => destroyed.wake(),
    failpoint,
    clock,
    random: Math.random,
  };
  return new ReconcileLoop({
    sandbox,
    records,
    routes,
    executors: (instances) => createExecutors(executors, instances),
    report,
    ensureHost: () => keepHost({ ...drivers, log }),
    hostCheckMs: HOST_CHECK_MS,
    explain: (error) => explainStep(error, config.stateDir),
    clock,
    random: Math.random,
    log,
  });
}

function sessionHandlers(
  basics: Basics,
  drivers: Drivers,
  parts: {
    readonly loop: ReconcileLoop;
    readonly tasks: Tasks;
    readonly destroyed: DestroyedApps;
    readonly tell: UpgradeDeps['tell'];
  },
): SessionHandlers {
  const { config } = basics;
  const { ledger, fleetLedger, builds, sandbox, identity } = drivers;
  const { loop, tasks, destroyed, tell } = parts;
  const version = ownVersion(PRODUCT_DIR);
  const { stateDir } = config;
  const upgrade = {
    stateDir,
    version,
    tell,
    run,
    log: basics.log,
    installScript: () => drivers.transport.installScript(),
  };
  return {
    hello: async () => ({
      facts: await collectFacts(
        config.stateDir,
        await ownFacts(config, { version: await version, sandboxDriver: sandbox.kind, identity }),
      ),
      ledger: ledger.current(),
      cachedAppIds: await builds.cachedAppIds(),
      runningTaskIds: tasks.running(),
      fleetRoutesDigest: digestOf(fleetLedger.current()),
      bootId: await currentBootId(),
    }),
    heartbeat: () => ownHeartbeat(config, { ...drivers, loop }),
    instances: () => loop.statuses(),
    accept: async (desired) => {
      const before = ledger.current();
      const refusal = await ledger.accept(desired);
      if (refusal !== undefined) return refusal;
      const state = ledger.current() ?? desired; // with the content that the controller withheld
      destroyed.setDesired(state, before);
      loop.setDesired(state);
      return undefined;
    },
    welcomed: () => {
      const failed = (error: unknown): void => basics.log.warn({ err: error }, 'upgrade.connected_mark_not_written');
      void version.then((own) => markConnected(stateDir, own)).then(() => tellLastSwitch(upgrade), failed);
    },
    acceptRoutes: async (update) => {
      const refusal = await fleetLedger.accept(update);
      const routes = fleetLedger.current();
      if (refusal === undefined && routes !== undefined) await loop.setRoutes(routes);
      return refusal;
    },
    acceptEgress: (table) => drivers.egress.accept(table),
    upgrade: (to) => void upgradeTo(to, upgrade),
    startTask: (task) => {
      destroyed.begins(task);
      tasks.start(task);
    },
    cancelTask: (taskId: TaskId) => {
      tasks.cancel(taskId);
    },
    queryLogs: (query, signal) => queryLogs({ ...drivers, destroyed }, query, signal),
  };
}

function digestOf(routes: FleetRoutes | undefined): string | undefined {
  return routes === undefined ? undefined : routesDigest(routes);
}
