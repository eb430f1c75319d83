import type { DesiredState } from '../../../shared/domain/assignment.ts';
import { withUpdate, type FleetRoutes } from '../../../shared/domain/fleet-routes.ts';
import type { InstanceStatus, Reason } from '../../../shared/domain/instance.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../shared/kit/failpoint.ts';
import { LogBook } from '../../../agent/logs/log-book.ts';
import { createFakeProxy } from '../../../agent/proxy/fake.ts';
import type { AppRoutes, Proxy as AppProxy } from '../../../agent/proxy/port.ts';
import { decideAcceptance } from '../../../agent/reconcile/accept.ts';
import { createExecutors } from '../../../agent/reconcile/executors.ts';
import type { InstanceRecords } from '../../../agent/reconcile/instances.ts';
import { ReconcileLoop } from '../../../agent/reconcile/loop.ts';
import type { InstanceRecord } from '../../../agent/reconcile/record.ts';
import { refuseRoutes } from '../../../agent/reconcile/fleet-ledger.ts';
import { RouteSwitch } from '../../../agent/reconcile/route-switch.ts';
import { dynoSpec } from '../../../agent/sandbox/dyno.ts';
import { FakeSandbox } from '../../../agent/sandbox/fake/driver.ts';
import type { Sandbox } from '../../../agent/sandbox/port.ts';
import { Connection } from '../../../agent/session/connection.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import type { SessionHandlers } from '../../../agent/session/port.ts';
import { answersAfterMs, sandboxBehaviour } from './app-behaviour.ts';
import { Life, mortal, type Around } from './life.ts';
import { IMAGES, LOGS, watch } from './machine-parts.ts';
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
  /** A stream to the controller; undefined while there is none to reach. */
  readonly dial: () => Wire | undefined;
  readonly onRoutes: (machine: Machine, before: readonly AppRoutes[]) => void;
}

const RECONNECT_MS = 500;

/** A node: what outlives its agent (sandboxes, proxy, files), and the agent's lives on it. */
export class Machine {
  readonly name: string;
  readonly sandbox: FakeSandbox;
  readonly proxy = createFakeProxy();
  /** Processes whose port has answered, as `id@start`. */
  readonly answered = new Set<string>();
  /** The next so many calls of these fail. */
  readonly faults = new Map<string, number>();
  readonly #deps: MachineDeps;
  readonly #records = new Map<string, InstanceRecord>();
  readonly #ports = new Map<string, number>();
  readonly #starts = new Map<string, number>();
  #ledger: DesiredState | undefined;
  #routes: FleetRoutes | undefined;
  #life: Life | undefined;
  #wire: Wire | undefined;
  #loop: ReconcileLoop | undefined;

  constructor(deps: MachineDeps) {
    this.name = deps.name;
    this.#deps = deps;
    const behaviour = (spec: { argv: readonly string[] }): ReturnType<typeof sandboxBehaviour> => sandboxBehaviour(spec.argv[2] ?? '');
    this.sandbox = new FakeSandbox({ clock: deps.clock, dir: deps.dir, behaviour });
    this.sandbox.onExit((id) => this.#starts.delete(id));
  }

  get agentRuns(): boolean {
    return this.#life !== undefined;
  }

  /** What the agent says of its instances. */
  statuses(): readonly InstanceStatus[] {
    return this.#loop?.statuses() ?? [];
  }

  get ledger(): DesiredState | undefined {
    return this.#ledger;
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
      void this.#deps.clock.sleep(RECONNECT_MS).then(() => { this.startAgent(); }); // prettier-ignore
    });
  }

  /** kill -9. */
  killAgent(): void {
    this.#life?.end();
    this.#life = undefined;
    this.#loop = undefined;
    this.cutSession();
  }

  muteSession(): void {
    this.#wire?.mute();
  }

  cutSession(): void {
    this.#wire?.cut();
    this.#wire = undefined;
  }

  /** As when the cord is pulled: everything that ran is gone, the disk stays. */
  async powerOff(): Promise<void> {
    this.killAgent();
    this.crashProxy();
    for (const { id, phase } of await this.sandbox.list()) if (phase === 'running') this.sandbox.crash(id, { signal: 'SIGKILL' });
  }

  crashProxy(): void {
    this.proxy.crash();
  }

  /** True when whatever listens there accepts. */
  answers(port: number): boolean {
    const id = [...this.#ports].find(([, each]) => each === port)?.[0] ?? '';
    const startedAtMs = this.startOf(id);
    const afterMs = answersAfterMs(this.sandbox.specs.get(id)?.argv[2] ?? '');
    if (startedAtMs === undefined || afterMs === undefined || this.#deps.clock.nowMs() < startedAtMs + afterMs) return false;
    this.answered.add(`${id}@${String(startedAtMs)}`);
    return true;
  }

  /** Start time of a process that runs now. */
  startOf(id: string): number | undefined {
    return this.#starts.get(id);
  }

  async #runAgent(life: Life): Promise<void> {
    const { clock } = this.#deps;
    const outbox = new Outbox();
    const holder: { connection?: Connection | undefined } = {};
    const loop = this.#createLoop(life, (statuses) => {
      if (holder.connection?.welcomed !== true) return;
      outbox.report(statuses);
      holder.connection.plan();
    });
    this.#loop = loop;
    const proxy = mortal(this.proxy, life, this.#around);
    await proxy.ensureRunning();
    if (this.#routes !== undefined) void loop.setRoutes(this.#routes);
    await loop.start(this.#ledger);
    const mine = mortal(clock, life);
    while (life.alive) {
      await this.#session(life, { loop, outbox, holder });
      await mine.sleep(RECONNECT_MS);
    }
  }

  async #session(life: Life, of: { loop: ReconcileLoop; outbox: Outbox; holder: { connection?: Connection | undefined } }): Promise<void> {
    const wire = this.#deps.dial();
    if (wire === undefined) return;
    this.#wire = wire;
    const { random, trace, clock } = this.#deps;
    const handlers = this.#handlers(life, of.loop);
    of.holder.connection = new Connection(wire.agentEnd, {
      clock: mortal(clock, life),
      logger: trace.logger(this.name),
      random: () => random.next(),
      outbox: of.outbox,
      handlers,
      connectTimeoutMs: 15_000,
      confirmAfterMs: 30_000,
      onWelcome: () => undefined,
    });
    const takes = { takesFleetRoutes: true, takesReleases: true };
    await mortal(of.holder.connection, life).run({ kind: 'hello', ...(await handlers.hello()), ...takes });
    of.holder.connection = undefined;
  }

  #handlers(life: Life, loop: ReconcileLoop): SessionHandlers {
    const disk = mortal({ write: (state: DesiredState) => Promise.resolve((this.#ledger = state)) }, life, this.#around);
    return {
      hello: () => Promise.resolve({ facts: this.#facts(), ledger: this.#ledger, cachedAppIds: [], runningTaskIds: [] }),
      heartbeat: () => Promise.resolve({ diskFreeBytes: 1e10, load1: 0, memoryFreeBytes: 1e9 }),
      instances: () => loop.statuses(),
      accept: async (desired): Promise<Reason | undefined> => {
        const decision = decideAcceptance(this.#ledger, desired);
        if (!decision.accepted) return decision.reason;
        await disk.write(desired);
        loop.setDesired(desired);
        return undefined;
      },
      acceptRoutes: async (update): Promise<Reason | undefined> => {
        const refusal = refuseRoutes(this.#routes, update);
        if (refusal !== undefined) return refusal;
        this.#routes = withUpdate(this.#routes ?? update, update);
        await loop.setRoutes(this.#routes);
        return undefined;
      },
      startTask: () => undefined,
      cancelTask: () => undefined,
      queryLogs: async function* () {
        yield* [];
      },
    };
  }

  #facts(): Awaited<ReturnType<SessionHandlers['hello']>>['facts'] {
    return {
      ...{
        agentVersion: '0.1.0',
        os: 'debian-12',
        kernel: '6',
        arch: 'x64',
        cpus: 2,
        memoryBytes: this.#deps.memoryBytes,
        diskBytes: 1e11,
      },
      ...{ diskFreeBytes: 1e10, sandboxDriver: 'fake', stacks: ['host'], proxyVersion: '', missing: [], builder: true, httpAddress: '' },
    };
  }

  #createLoop(life: Life, report: (statuses: readonly InstanceStatus[]) => void): ReconcileLoop {
    const { random, trace, clock: time } = this.#deps;
    const clock = mortal(time, life);
    const sandbox = mortal(this.#watchedSandbox(), life, this.#around);
    const proxy = mortal(this.#watchedProxy(), life, this.#around);
    const records = mortal(this.#recordFiles(), life, this.#around);
    const log = trace.logger(this.name);
    const logBook = new LogBook('/nonexistent/slipway/log-book.json', (id) => this.sandbox.logDir(id));
    const executors = {
      ...{ sandbox, proxy, records, logBook, clock },
      images: mortal(IMAGES, life, this.#around),
      logs: LOGS,
      dynoSpec: (...[assignment, lowerDirs]: Parameters<Parameters<typeof createExecutors>[0]['dynoSpec']>) =>
        dynoSpec({ assignment, lowerDirs, port: this.#portOf(assignment.instanceId) }),
      answers: (_: string, port: number) => Promise.resolve(this.answers(port)),
      ...{ stopTimeoutMs: 30_000, drainTimeoutMs: 30_000, failpoint: noFailpoint, random: () => random.next() },
    };
    return new ReconcileLoop({
      ...{ sandbox, records, report, clock, log, hostCheckMs: 5_000, random: () => random.next() },
      routes: new RouteSwitch({ proxy, clock, log, failpoint: noFailpoint }),
      executors: (instances) => createExecutors(executors, instances),
      ensureHost: () => proxy.ensureRunning(),
    });
  }

  /** Every effect takes its time, and may be told to fail. */
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

  #recordFiles(): InstanceRecords {
    return {
      load: () => Promise.resolve(new Map(this.#records)),
      save: (id, record) => Promise.resolve(void this.#records.set(id, record)),
      remove: (id) => Promise.resolve(void this.#records.delete(id)),
    };
  }

  /** Ports that no two instances of a node share, since they share its loopback here. */
  #portOf(id: string): number {
    const port = this.#ports.get(id) ?? 20_000 + this.#ports.size;
    this.#ports.set(id, port);
    return port;
  }
}

const SYNCHRONOUS = new Set(['onExit', 'logDir', 'appDir', 'upperDir', 'path']);
