import { routesDigest, type FleetRoutes } from '../shared/domain/fleet-routes.ts';
import { isCommandTask } from '../shared/domain/task.ts';
import { run } from '../shared/kit/exec.ts';
import { PRODUCT_DIR, type Basics, type Drivers } from './compose-drivers.ts';
import { queryLogs } from './compose-logs.ts';
import type { DestroyedApps } from './destroyed/destroyed-apps.ts';
import { collectFacts } from './host/facts.ts';
import { MachineInventory } from './host/machine-inventory.ts';
import { ownFacts, ownHeartbeat } from './host/own-facts.ts';
import { markConnected, ownVersion } from './host/program.ts';
import { reportLastSwitch, upgradeTo, type UpgradeDeps } from './host/upgrade.ts';
import type { NodeCertificates } from './certificates/node-certificates.ts';
import type { ReconcileLoop } from './reconcile/loop.ts';
import { currentBootId } from './sandbox/handle.ts';
import type { Commands } from './one-off/commands.ts';
import type { Clock } from '../shared/kit/clock.ts';
import type { Sandbox, SandboxStatus } from './sandbox/port.ts';
import { sandboxNotFound } from './sandbox/sandbox-errors.ts';
import { Attachments } from './session/attachments.ts';
import type { SessionHandlers } from './session/port.ts';
import type { Switches } from './switches/switches.ts';
import type { Tasks } from './tasks/tasks.ts';

export interface SessionParts {
  readonly loop: ReconcileLoop;
  readonly tasks: Tasks;
  readonly commands: Commands;
  readonly destroyed: DestroyedApps;
  readonly switches: Switches;
  readonly certificates: NodeCertificates;
  readonly report: UpgradeDeps['report'];
  /** Aborts when the agent stops. */
  readonly signal: AbortSignal;
}

/** What the controller can ask for, and the part that does it. */
export function composeSessionHandlers(basics: Basics, drivers: Drivers, parts: SessionParts): SessionHandlers {
  const { stateDir } = basics.config;
  const { loop, tasks, commands, destroyed, switches, certificates, report, signal: stopped } = parts;
  const attachments = composeAttachments(basics, drivers, stopped);
  const machine = new MachineInventory({ ...basics, read: basics.readMachine, signal: stopped });
  const version = ownVersion(PRODUCT_DIR);
  const installScript = (): Promise<string> => drivers.transport.installScript();
  const upgrade = { stateDir, version, report, run, log: basics.log, installScript };
  return {
    ...stateHandlers(drivers, { loop, destroyed, certificates }),
    hello: async () => {
      const { identity, sandbox } = drivers;
      const own = { version: await version, sandboxDriver: sandbox.kind, identity };
      return {
        facts: { ...(await collectFacts(stateDir, await ownFacts(basics.config, own))), machine: machine.forHello() },
        acceptedState: drivers.documents.desiredState.current(),
        cachedAppIds: await drivers.builds.cachedAppIds(),
        runningTaskIds: [...tasks.running(), ...commands.held()],
        fleetRoutesDigest: digestOf(drivers.documents.fleetRoutes.current()),
        bootId: await currentBootId(),
      };
    },
    heartbeat: async () => ({
      ...(await ownHeartbeat(basics.config, { ...drivers, loop })),
      factsJson: machine.forHeartbeat(),
    }),
    instances: () => loop.statuses(),
    runChecks: ({ run: number, instanceIds }) => loop.monitor?.runNow(instanceIds, number),
    allowRestart: (process) => {
      loop.allowRestart(process);
    },
    welcomed: (progress) => {
      commands.welcomed(progress);
      switches.sessionStarted();
      certificates.sessionStarted();
      void machine.welcomed();
      const failed = (error: unknown): void => basics.log.warn({ err: error }, 'upgrade.connected_mark_not_written');
      void version.then((own) => markConnected(stateDir, own)).then(() => reportLastSwitch(upgrade), failed);
    },
    upgrade: (to) => void upgradeTo(to, upgrade),
    countSwitches: (queries) => switches.follow(queries),
    openAttach: (request) => attachments.open(request),
    startTask: (task) => {
      destroyed.taskStarts(task);
      if (isCommandTask(task)) commands.start(task);
      else tasks.start(task);
    },
    cancelTask: (taskId) => {
      tasks.cancel(taskId);
      commands.cancel(taskId);
    },
    taskAcknowledged: (taskId) => void commands.acknowledged(taskId),
    queryLogs: (query, signal) => queryLogs({ ...drivers, destroyed }, query, signal),
  };
}

/** Takes over the documents that the controller sends: the desired state, the routes, the open networks. */
function stateHandlers(
  { documents: { desiredState, fleetRoutes }, egress }: Drivers,
  { loop, destroyed, certificates }: Pick<SessionParts, 'loop' | 'destroyed' | 'certificates'>,
): Pick<SessionHandlers, 'accept' | 'acceptRoutes' | 'acceptEgress'> {
  return {
    accept: async (desired) => {
      const before = desiredState.current();
      const reason = await desiredState.accept(desired);
      if (reason !== undefined) return reason;
      const state = desiredState.current() ?? desired; // also has the content that the controller withheld
      destroyed.setDesired(state, before);
      loop.setDesired(state);
      return undefined;
    },
    acceptRoutes: async (update) => {
      const reason = await fleetRoutes.accept(update);
      const routes = fleetRoutes.current();
      if (reason !== undefined || routes === undefined) return reason;
      certificates.follow(routes);
      await loop.setRoutes(routes);
      return undefined;
    },
    acceptEgress: (table) => egress.accept(table),
  };
}

function digestOf(routes: FleetRoutes | undefined): string | undefined {
  return routes === undefined ? undefined : routesDigest(routes);
}

/** The layers of a command may have to be fetched first. */
const COMMAND_START_MS = 10 * 60_000;
/** A driver reports the end of a sandbox, but not its start. */
const COMMAND_POLL_MS = 200;

async function untilRunning(
  sandbox: Pick<Sandbox, 'inspect'>,
  id: string,
  { clock, gone }: { readonly clock: Clock; readonly gone: AbortSignal },
): Promise<SandboxStatus | undefined> {
  const deadlineMs = clock.monotonicMs() + COMMAND_START_MS;
  for (;;) {
    const found = await sandbox.inspect(id);
    if (found?.phase === 'running' || found?.phase === 'exited' || clock.monotonicMs() > deadlineMs) return found;
    await clock.sleep(COMMAND_POLL_MS, gone);
  }
}

function composeAttachments(
  { config: { stateDir }, clock, log }: Basics,
  { identity, sandbox }: Drivers,
  stopped: AbortSignal,
): Attachments {
  const attachments = new Attachments({
    ...{ address: identity.grpcAddress, stateDir, log },
    attach: async ({ sandboxId: id, waits }, gone) => {
      const found = waits ? await untilRunning(sandbox, id, { clock, gone }) : await sandbox.inspect(id);
      if (found?.purpose !== (waits ? 'command' : 'app')) throw sandboxNotFound(id);
      return await sandbox.attach(id, waits);
    },
  });
  stopped.addEventListener('abort', () => attachments.close(), { once: true });
  return attachments;
}
