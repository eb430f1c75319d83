import type { DesiredState } from '../../../shared/domain/assignment.ts';
import { withUpdate, type FleetRoutes } from '../../../shared/domain/fleet-routes.ts';
import type { AppId, TaskId } from '../../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../../shared/domain/instance.ts';
import { isCommandTask } from '../../../shared/domain/task.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { DestroyedApps } from '../../../agent/destroyed/destroyed-apps.ts';
import { createFakeProxy } from '../../../agent/proxy/fake.ts';
import type { AppRoutes, Proxy as AppProxy } from '../../../agent/proxy/port.ts';
import { decideDesiredState } from '../../../agent/accepted/desired-state.ts';
import type { Commands, CommandsDeps } from '../../../agent/one-off/commands.ts';
import type { CommandRecord } from '../../../agent/one-off/record.ts';
import { createExecutors } from '../../../agent/reconcile/executors.ts';
import { HealthMonitor } from '../../../agent/health/monitor.ts';
import type { RunProbe } from '../../../agent/health/port.ts';
import { CHECK_PROBES } from '../../../shared/domain/health-check.ts';
import { ReconcileLoop } from '../../../agent/reconcile/loop.ts';
import type { InstanceRecord } from '../../../agent/reconcile/record.ts';
import { refuseRoutes } from '../../../agent/accepted/fleet-routes.ts';
import { RouteSwitch } from '../../../agent/reconcile/route-switch.ts';
import { dynoSpec } from '../../../agent/sandbox/dyno.ts';
import { FakeSandbox } from '../../../agent/sandbox/fake/driver.ts';
import type { Sandbox } from '../../../agent/sandbox/port.ts';
import { Connection } from '../../../agent/session/connection.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import type { SessionHandlers } from '../../../agent/session/port.ts';
import { answersAfterMs, sandboxBehaviour } from './app-behaviour.ts';
import { commandRecordsIn, createCommands } from './machine-commands.ts';
import { type Around, KillPoint, Life, mortal } from './life.ts';
import { createDestroyed } from './machine-clean-up.ts';
import { factsOf, IMAGES, LOGS, newLogBook, NO_LOGS, recordsIn, watch } from './machine-parts.ts';
import type { Random } from '../../support/random.ts';
import type { Trace } from './trace.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { Wire } from './wire.ts';

export interface MachineDeps {
  readonly name: string;
  readonly dir: string;
  readonly memoryBytes: number;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: Trace;
  /** How long an effect takes, ms. */
  readonly effectMs: (method: string) => number;
  /** Opens a stream to the controller. Undefined while it cannot be reached. */
  readonly dial: () => Wire | undefined;
  readonly onRoutes: (machine: Machine, before: readonly AppRoutes[]) => void;
}

const RECONNECT_MS = 500;

/** The parts that get a desired state. */
interface Parts {
  readonly loop: ReconcileLoop;
  readonly destroyed: DestroyedApps;
  readonly commands: Commands;
}

/** A node. Its sandboxes, proxy and files outlive its agent, which may be killed and started again. */
export class Machine {
  readonly name: string;
  readonly sandbox: FakeSandbox;
  readonly proxy = createFakeProxy();
  /** Processes whose port has answered, as `id@start`. */
  readonly answered = new Set<string>();
  /** Method → how many of its next calls fail. */
  readonly faults = new Map<string, number>();
  /** Types of health checks that fail here: `readiness` for every instance, `readiness ID` for one. */
  readonly unwell = new Set<string>();
  readonly #deps: MachineDeps;
  readonly #records = new Map<string, InstanceRecord>();
  readonly #commandRecords = new Map<TaskId, CommandRecord>();
  readonly #ports = new Map<string, number>();
  readonly #starts = new Map<string, number>();
  readonly #killPoint = new KillPoint();
  #acceptedState: DesiredState | undefined;
  #routes: FleetRoutes | undefined;
  #life: Life | undefined;
  #wire: Wire | undefined;
  #loop: ReconcileLoop | undefined;
  #logBook = newLogBook(() => '');

  constructor(deps: MachineDeps) {
    this.name = deps.name;
    this.#deps = deps;
    const behaviour = (spec: { argv: readonly string[] }): ReturnType<typeof sandboxBehaviour> =>
      sandboxBehaviour(spec.argv[2] ?? '');
    this.sandbox = new FakeSandbox({ clock: deps.clock, dir: deps.dir, behaviour });
    this.sandbox.onExit((id) => this.#starts.delete(id));
  }

  get agentRuns(): boolean {
    return this.#life !== undefined;
  }

  /** The instance statuses that the agent reports. */
  statuses(): readonly InstanceStatus[] {
    return this.#loop?.statuses() ?? [];
  }

  get acceptedState(): DesiredState | undefined {
    return this.#acceptedState;
  }

  get memoryBytes(): number {
    return this.#deps.memoryBytes;
  }

  startAgent(): void {
    if (this.#life !== undefined) return;
    const life = new Life();
    this.#life = life;
    void this.#runAgent(life).catch(() => {
      this.#deps.trace.say(this.name, 'the agent could not start');
      this.killAgent();
      void this.#deps.clock.sleep(RECONNECT_MS).then(() => {
        this.startAgent();
      });
    });
  }

  /** kill -9. */
  killAgent(): void {
    this.#life?.end();
    this.#life = undefined;
    this.#loop = undefined;
    this.cutSession();
  }

  /** kill -9 of the agent when it passes this failpoint. Undefined: at none. */
  killAt(point: string | undefined): void {
    this.#killPoint.set(point);
  }

  #failpointOf(life: Life): Failpoint {
    return this.#killPoint.failpoint(life, (name) => {
      this.#deps.trace.say('test', `the agent of ${this.name} is killed at ${name}`);
      this.killAgent();
    });
  }

  muteSession(): void {
    this.#wire?.mute();
  }

  cutSession(): void {
    this.#wire?.cut();
    this.#wire = undefined;
  }

  /** A power cut: all processes end, and the disk stays. */
  async powerOff(): Promise<void> {
    this.killAgent();
    this.crashProxy();
    for (const { id, phase, purpose } of await this.sandbox.list()) {
      // The next agent finds no exit of a command that a power cut ended.
      if (purpose === 'command') await this.sandbox.destroy(id);
      else if (phase === 'running') this.sandbox.crash(id, { signal: 'SIGKILL' });
    }
  }

  crashProxy(): void {
    this.proxy.crash();
  }

  /** True if a process accepts connections there. */
  answers(port: number): boolean {
    const id = [...this.#ports].find(([, each]) => each === port)?.[0] ?? '';
    const startedAtMs = this.startOf(id);
    const afterMs = answersAfterMs(this.sandbox.specs.get(id)?.argv[2] ?? '');
    if (startedAtMs === undefined || afterMs === undefined || this.#deps.clock.nowMs() < startedAtMs + afterMs)
      return false;
    this.answered.add(`${id}@${String(startedAtMs)}`);
    return true;
  }

  /** Start time of a running process. */
  startOf(id: string): number | undefined {
    return this.#starts.get(id);
  }

  async #runAgent(life: Life): Promise<void> {
    const { clock } = this.#deps;
    const outbox = new Outbox();
    const holder: { connection?: Connection | undefined } = {};
    const say = (put: () => void): void => {
      if (holder.connection?.welcomed !== true) return;
      put();
      holder.connection.planSend();
    };
    this.#logBook = newLogBook((id) => this.sandbox.logDir(id));
    const destroyed = this.#createDestroyed(life, (appIds) =>
      say(() => outbox.control({ kind: 'destroyedAck', appIds })),
    );
    const loop = this.#createLoop(life, destroyed, (statuses) => say(() => outbox.report(statuses)));
    this.#loop = loop;
    const proxy = mortal(this.proxy, life, this.#around);
    await proxy.ensureRunning();
    if (this.#routes !== undefined) void loop.setRoutes(this.#routes);
    if (this.#acceptedState !== undefined) destroyed.setDesired(this.#acceptedState);
    await loop.start(this.#acceptedState);
    const put = (change: () => void): void => {
      change();
      holder.connection?.planSend();
    };
    const commands = this.#createCommands(life, {
      output: (taskId, chunk) => put(() => outbox.output(taskId, chunk)),
      result: (taskId, outcome) => put(() => outbox.result(taskId, outcome)),
      ended: () => destroyed.wake(),
    });
    await commands.adopt();
    destroyed.start();
    const mine = mortal(clock, life);
    while (life.alive) {
      await this.#session(life, { loop, destroyed, commands, outbox, holder });
      await mine.sleep(RECONNECT_MS);
    }
  }

  async #session(
    life: Life,
    parts: Parts & { outbox: Outbox; holder: { connection?: Connection | undefined } },
  ): Promise<void> {
    const wire = this.#deps.dial();
    if (wire === undefined) return;
    this.#wire = wire;
    const { random, trace, clock } = this.#deps;
    const handlers = this.#handlers(life, parts);
    parts.holder.connection = new Connection(wire.agentEnd, {
      clock: mortal(clock, life),
      logger: trace.logger(this.name),
      random: () => random.next(),
      outbox: parts.outbox,
      handlers,
      connectTimeoutMs: 15_000,
      confirmAfterMs: 30_000,
      onWelcome: ({ tasks = [] }) => parts.commands.welcomed(tasks),
    });
    const takes = {
      ...{ takesFleetRoutes: true, takesReleases: true, takesDestroyed: true, routesByAppId: true },
      ...{ takesMaintenance: true, taskKinds: ['release', 'run', 'cron'], checkProbes: CHECK_PROBES },
    };
    await mortal(parts.holder.connection, life).serve({ kind: 'hello', ...(await handlers.hello()), ...takes });
    parts.holder.connection = undefined;
  }

  #handlers(life: Life, { loop, destroyed, commands }: Parts): SessionHandlers {
    const disk = mortal(
      { write: (state: DesiredState) => Promise.resolve((this.#acceptedState = state)) },
      life,
      this.#around,
    );
    return {
      hello: () =>
        Promise.resolve({
          facts: factsOf(this.#deps.memoryBytes),
          acceptedState: this.#acceptedState,
          cachedAppIds: [],
          runningTaskIds: commands.held(),
        }),
      heartbeat: () => Promise.resolve({ diskFreeBytes: 1e10, load1: 0, memoryFreeBytes: 1e9 }),
      instances: () => loop.statuses(),
      allowRestart: (process) => {
        loop.allowRestart(process);
      },
      accept: async (desired): Promise<Reason | undefined> => {
        const decision = decideDesiredState(this.#acceptedState, desired);
        if (!decision.accepted) return decision.reason;
        const before = this.#acceptedState;
        await disk.write(desired);
        destroyed.setDesired(desired, before);
        loop.setDesired(desired);
        return undefined;
      },
      acceptRoutes: async (update): Promise<Reason | undefined> => {
        const reason = refuseRoutes(this.#routes, update);
        if (reason !== undefined) return reason;
        this.#routes = withUpdate(this.#routes ?? update, update);
        await loop.setRoutes(this.#routes);
        return undefined;
      },
      startTask: (task) => {
        if (isCommandTask(task)) commands.start(task);
      },
      cancelTask: (taskId) => commands.cancel(taskId),
      taskAcknowledged: (taskId) => void commands.acknowledged(taskId),
      ...NO_LOGS,
    };
  }

  #createDestroyed(life: Life, acknowledge: (appIds: readonly AppId[]) => void): DestroyedApps {
    const { random, trace, clock } = this.#deps;
    return createDestroyed({
      sandbox: mortal(this.sandbox, life, this.#around),
      logBook: this.#logBook,
      held: () => this.#loop?.held() ?? [],
      assigned: () => this.#acceptedState?.assignments ?? [],
      acknowledge,
      failpoint: this.#failpointOf(life),
      clock: mortal(clock, life),
      random: () => random.next(),
      log: trace.logger(this.name),
    });
  }

  #createCommands(life: Life, to: Pick<CommandsDeps, 'output' | 'result' | 'ended'>): Commands {
    const { random, trace, clock } = this.#deps;
    const failpoint = this.#failpointOf(life);
    const own = { logBook: this.#logBook, failpoint, random: () => random.next(), log: trace.logger(this.name) };
    const mine = {
      sandbox: mortal(this.sandbox, life, this.#around),
      images: mortal(IMAGES, life, this.#around),
      records: mortal(commandRecordsIn(this.#commandRecords), life, this.#around),
      clock: mortal(clock, life),
    };
    return createCommands({ ...own, ...mine, ...to }, { name: this.name, trace });
  }

  #createLoop(
    life: Life,
    destroyed: DestroyedApps,
    report: (statuses: readonly InstanceStatus[]) => void,
  ): ReconcileLoop {
    const { random, trace, clock: time } = this.#deps;
    const clock = mortal(time, life);
    const sandbox = mortal(this.#watchedSandbox(), life, this.#around);
    const proxy = mortal(this.#watchedProxy(), life, this.#around);
    const records = mortal(recordsIn(this.#records), life, this.#around);
    const log = trace.logger(this.name);
    const executors = {
      ...{ sandbox, proxy, records, clock, logBook: this.#logBook, onRemoved: () => destroyed.wake() },
      images: mortal(IMAGES, life, this.#around),
      logs: LOGS,
      dynoSpec: (...[assignment, lowerDirs]: Parameters<Parameters<typeof createExecutors>[0]['dynoSpec']>) =>
        dynoSpec({ assignment, lowerDirs, port: this.#portOf(assignment.instanceId) }),
      answers: (_: string, port: number) => Promise.resolve(this.answers(port)),
      probe: this.#probe,
      ...{
        stopTimeoutMs: 30_000,
        drainTimeoutMs: 30_000,
        failpoint: this.#failpointOf(life),
        random: () => random.next(),
      },
    };
    return new ReconcileLoop({
      ...{ sandbox, records, report, clock, log, hostCheckMs: 5_000, random: () => random.next() },
      routes: new RouteSwitch({ proxy, clock, log, failpoint: this.#failpointOf(life) }),
      executors: (instances) => createExecutors(executors, instances),
      monitor: (onChange) => new HealthMonitor({ probe: this.#probe, clock, random: () => random.next(), onChange }),
      ensureHost: () => proxy.ensureRunning(),
    });
  }

  readonly #probe: RunProbe = (check, { port = 0 }) => {
    const id = [...this.#ports].find(([, each]) => each === port)?.[0] ?? '';
    const isUnwell = this.unwell.has(check.type) || this.unwell.has(`${check.type} ${id}`);
    const passed = !isUnwell && this.answers(port);
    return Promise.resolve({ passed, answer: passed ? 'it answered 200' : 'it answered 503' });
  };

  /** Every effect takes time, and it can fail on request. */
  readonly #around: Around = (method) => (SYNCHRONOUS.has(method) ? undefined : this.#delay(method));

  async #delay(method: string): Promise<void> {
    await this.#deps.clock.sleep(this.#deps.effectMs(method));
    const left = this.faults.get(method) ?? 0;
    if (left === 0) return;
    this.faults.set(method, left - 1);
    throw new SlipwayError({ code: 'SLIP_TEST_FAULT', kind: 'transient', message: `${method} was told to fail.` });
  }

  #watchedSandbox(): Sandbox {
    return watch(this.sandbox, 'start', async (id) => {
      const status = await this.sandbox.start(id);
      if (status.startedAtMs !== undefined && status.phase === 'running') this.#starts.set(id, status.startedAtMs);
      return status;
    });
  }

  #watchedProxy(): AppProxy {
    return watch(this.proxy, 'apply', async (routes) => {
      const before = this.proxy.routes();
      await this.proxy.apply(routes);
      this.#deps.onRoutes(this, before);
    });
  }

  /** Each instance of a node has its own port, because all share one loopback interface here. */
  #portOf(id: string): number {
    const port = this.#ports.get(id) ?? 20_000 + this.#ports.size;
    this.#ports.set(id, port);
    return port;
  }
}

const SYNCHRONOUS = new Set(['onExit', 'logDir', 'appDir', 'upperDir', 'path']);
