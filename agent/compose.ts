import { join } from 'node:path';
import type { DesiredState } from '../shared/domain/assignment.ts';
import type { Reason } from '../shared/domain/instance.ts';
import type { TaskRunners } from './tasks/port.ts';
import { Tasks } from './tasks/tasks.ts';
import { composeCertificates } from './compose-certificates.ts';
import type { NodeCertificates } from './certificates/node-certificates.ts';
import { composeDestroyed } from './compose-destroyed.ts';
import type { Basics, Drivers } from './compose-drivers.ts';
import { identifyLogs } from './compose-logs.ts';
import { composeSessionHandlers } from './compose-session.ts';
import type { DestroyedApps } from './destroyed/destroyed-apps.ts';
import { HealthMonitor } from './health/monitor.ts';
import { createProbe } from './health/probe.ts';
import { keepHost } from './host/keep-host.ts';
import { appIdsByName } from './logs/former-logs.ts';
import { createExecutors } from './reconcile/executors.ts';
import { explainStep } from './reconcile/explain-step.ts';
import { createInstanceRecords } from './reconcile/instances.ts';
import { ReconcileLoop } from './reconcile/loop.ts';
import { RouteSwitch, type RouteSwitchDeps } from './reconcile/route-switch.ts';
import { commandSpec, dynoSpec } from './sandbox/dyno.ts';
import { readCommandLog } from './one-off/command-log.ts';
import { Commands, type CommandsDeps } from './one-off/commands.ts';
import { createCommandRecords } from './one-off/record.ts';
import { connectSession, type OpenSession } from './session/connect-session.ts';
import { keepCertificateFresh } from './session/keep-certificate.ts';
import { Switches } from './switches/switches.ts';

const HOST_CHECK_MS = 5_000;
const GATE_WRONG_BIND_MS = 5_000;

export interface Agent {
  /** Adopts the running apps, then follows the accepted documents and the controller. */
  start(): Promise<void>;
  /** All apps continue to run. */
  stop(): Promise<void>;
}

/** The agent itself: loop, tasks and session over the drivers. */
export function composeAgent(basics: Basics, drivers: Drivers): Agent {
  const { config, clock, log } = basics;
  const { sandbox, images, proxy, builds, documents, identity } = drivers;
  const holder: SessionHolder = { session: undefined };
  const { tasks, commands } = composeTasks(basics, drivers, {
    output: (taskId, chunk) => holder.session?.taskOutput(taskId, chunk),
    result: (taskId, outcome) => holder.session?.taskResult(taskId, outcome),
    ended: () => destroyed.wake(),
  });
  const destroyed = composeDestroyed(basics, {
    ...{ ...drivers, tasks, commands, loop: () => loop, random: Math.random },
    acknowledge: (appIds) => holder.session?.destroyedAck(appIds),
  });
  const report = (reason: Reason): void => holder.session?.event({ reason });
  const switches = new Switches({ proxy, clock, log, report: (figures) => holder.session?.switchFigures(figures) });
  const { loop, certificates } = composeRoutes(basics, { ...drivers, destroyed, commands, switches }, holder);
  const stop = new AbortController();
  const session = { loop, tasks, commands, destroyed, switches, certificates, report, signal: stop.signal };
  const handlers = composeSessionHandlers(basics, drivers, session);
  return {
    start: async () => {
      await images.ensureHost();
      await drivers.egress.restore();
      await sandbox.ensureHost();
      await builds.sweep();
      await drivers.unreadable.open();
      await proxy.ensureRunning();
      const desired = await documents.desiredState.load();
      const routes = await documents.fleetRoutes.load();
      await identifyLogs(config.stateDir, drivers, appIdsByName(desired, routes));
      await certificates.open(routes);
      if (routes !== undefined) void loop.setRoutes(routes);
      if (desired !== undefined) destroyed.setDesired(desired);
      await loop.start(desired);
      await commands.adopt();
      destroyed.start();
      holder.session = connectSession({ address: identity.grpcAddress, stateDir: config.stateDir }, handlers, {
        clock,
        logger: log,
        random: Math.random,
      });
      void keepCertificateFresh(
        { ...basics, stateDir: config.stateDir, random: Math.random, onLate: report },
        stop.signal,
      );
    },
    stop: async () => {
      stop.abort();
      tasks.cancelAll();
      await commands.stop();
      await builds.settled();
      await certificates.stop();
      await destroyed.stop();
      await holder.session?.close();
      await loop.stop();
      await switches.close();
      await drivers.unreadable.close();
    },
  };
}

interface SessionHolder {
  /** Absent until the parts have started. */
  session: OpenSession | undefined;
}

/** The loop, and the certificates for its routes. */
function composeRoutes(
  basics: Basics,
  drivers: Omit<Parameters<typeof composeLoop>[1], 'certificates'>,
  holder: SessionHolder,
): { readonly loop: ReconcileLoop; readonly certificates: NodeCertificates } {
  const certificates = composeCertificates(basics, drivers, {
    apply: async () => {
      const routes = drivers.documents.fleetRoutes.current();
      if (routes === undefined) return;
      const unserved = await drivers.proxy.unservedCertificates();
      await loop.setRoutes(routes, unserved.length > 0);
    },
    report: (served) => holder.session?.certificatesServed(served),
    tell: (reason) => holder.session?.event({ reason }),
  });
  const loop = composeLoop(basics, { ...drivers, certificates }, (statuses) =>
    holder.session?.reportInstances(statuses),
  );
  return { loop, certificates };
}

/** Builds end with the agent. Commands outlive it. */
function composeTasks(
  { config, clock, log, failpoint }: Basics,
  drivers: Drivers,
  to: Pick<CommandsDeps, 'output' | 'ended'> & { readonly result: OpenSession['taskResult'] },
): { readonly tasks: Tasks; readonly commands: Commands } {
  const { builds, transport } = drivers;
  const build: TaskRunners['build'] = (task, io) =>
    builds.build(task, { ...io, openSource: (signal) => transport.openSource(task.taskId, signal) });
  const records = createCommandRecords(join(config.stateDir, 'commands'));
  const own = { records, spec: commandSpec, readLog: readCommandLog, random: Math.random };
  return {
    tasks: new Tasks({ runners: { build }, failpoint, log, ...to }),
    commands: new Commands({ ...drivers, ...own, ...to, clock, log, failpoint }),
  };
}

function composeLoop(
  basics: Basics,
  drivers: Drivers & {
    readonly destroyed: DestroyedApps;
    readonly commands: Commands;
    readonly switches: Switches;
    readonly certificates: NodeCertificates;
  },
  report: ConstructorParameters<typeof ReconcileLoop>[0]['report'],
): ReconcileLoop {
  const { config, clock, log, failpoint } = basics;
  const { sandbox, images, proxy, logs, logBook, destroyed, switches } = drivers;
  const certificates = () => drivers.certificates.usable();
  const records = createInstanceRecords(join(config.stateDir, 'instances'));
  const probe = createProbe(clock, (id) => sandbox.attach(id));
  const onMoved: RouteSwitchDeps['onMoved'] = (...change) => switches.moved(...change);
  const routes = new RouteSwitch({
    proxy,
    clock,
    log,
    failpoint,
    self: drivers.identity.nodeId,
    onMoved,
    certificates,
  });
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
    onRemoved: () => destroyed.wake(),
    probe,
    failpoint,
    clock,
    random: Math.random,
  };
  return new ReconcileLoop({
    sandbox,
    records,
    routes,
    executors: (instances) => createExecutors(executors, instances),
    monitor: (onChange) => new HealthMonitor({ probe, clock, random: Math.random, onChange }),
    report,
    ensureHost: () => keepHost({ ...drivers, log }),
    hostCheckMs: HOST_CHECK_MS,
    explain: (error) => explainStep(error, config.stateDir),
    clock,
    random: Math.random,
    log,
  });
}
