import type { Formations } from '../../../controller/formation/formations.ts';
import type { App } from '../../../controller/domain/apps.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import { AppChanges } from './app-changes.ts';
import { ANY_POINT } from './life.ts';
import { checkEndState } from './end-state.ts';
import type { Machine } from './machine.ts';
import { Random } from '../../support/random.ts';
import { World } from './world.ts';

const APPS = ['shop', 'blog'];
const OPERATOR = { name: 'ada' };
/** A repeated entry has more weight. */
const BEHAVIOURS = [
  'serve',
  'serve',
  'serve',
  'serve',
  'slow 700',
  'slow 4000',
  'exit 7',
  'mute',
  'crash-after 1000',
  'crash-after 8000',
];
const CRON_COMMANDS = ['work 300', 'work 9000', 'fail 2000'];
const RELEASE_COMMANDS = ['', '', 'work 300', 'work 9000', 'fail 2000'];
const FAULTY_METHODS = ['ensure', 'prepare', 'start', 'apply', 'save', 'destroy', 'mount', 'ensureRunning'];
/** Longer than several rollouts that wait for room one after the other, with all their steps. */
const HEALED_MS = 60 * 60_000;
const LOOK_MS = 20_000;
/** Number of histories in one test run, on a fast and on a slow machine. The nightly tests continue with the next ones. */
export const DEFAULT_HISTORIES = 15;

/** One random history of a fleet with pushes, crashes, kills, cuts and faults. At the end all faults are removed, and the wanted state must be reached. */
export class Simulation {
  readonly world: World;
  readonly #random: Random;
  readonly #changes: AppChanges;
  readonly #appLife: boolean;

  private constructor(world: World, random: Random, appLife: boolean) {
    this.world = world;
    this.#random = random;
    this.#changes = new AppChanges(world, random);
    this.#appLife = appLife;
  }

  /** @param options `appLife`: apps are also destroyed, renamed, stopped, locked, in maintenance, or unwell sometimes */
  static async run(seed: number, dir: string, options: { readonly appLife?: boolean } = {}): Promise<Simulation> {
    const random = new Random(seed);
    const slow: Readonly<Record<string, number>> = {
      ensure: 200,
      start: 60,
      prepare: 40,
      apply: 80,
      destroy: 60,
      signal: 20,
    };
    const world = await World.open({
      ...{ dir, random },
      latencyMs: () => random.between(0, 20),
      storeMs: () => random.between(0, 3),
      effectMs: (method) => random.between(0, slow[method] ?? 2),
    });
    const simulation = new Simulation(world, random, options.appLife === true);
    try {
      await simulation.#live();
      await simulation.#heal();
      await checkEndState(world);
    } catch (error) {
      const history = world.trace.lines.slice(-150).join('\n');
      throw new Error(`seed ${String(seed)}: ${error instanceof Error ? error.message : String(error)}\n${history}`, {
        cause: error,
      });
    } finally {
      await world.store.close();
    }
    return simulation;
  }

  async #live(): Promise<void> {
    const { world } = this;
    await this.#during(world.controller.start());
    for (const name of ['fra', 'ams', 'lon'].slice(0, this.#random.between(1, 3)))
      (await world.addMachine(name)).startAgent();
    await world.clock.advance(1000);
    for (const name of APPS) {
      await this.world.store.setFormation((await this.world.app(name)).id, { web: this.#random.between(1, 4) });
      const command = this.#random.pick(CRON_COMMANDS);
      await this.world.addCron(name, { name: 'report', schedule: '*/2 * * * *', command });
    }
    for (let events = this.#random.between(3, 12); events > 0; events -= 1) {
      await this.#event();
      await world.clock.advance(this.#random.pick([10, 200, 1000, 4000, 15_000]));
    }
  }

  async #event(): Promise<void> {
    const events: readonly (() => void | Promise<void>)[] = [
      ...Array.from({ length: 8 }, () => () => this.#push()),
      () => this.#config(),
      () => this.#scale(),
      () => this.#killAgent(),
      () => this.#killController(),
      () => this.#killControllerAtStep(),
      () => this.#killAgentAtStep(),
      () => this.#changes.rollBack(),
      ...(this.#appLife ? this.#lifeEvents() : []),
      () => this.#partition(),
      () => this.#drain(),
      () => this.#uncordon(),
      () => this.#silence(),
      () => this.#power(),
      () => this.#limits(),
      () => this.#restart(),
      () => this.#lostAfter(),
      () => this.#rebalance(),
      () => {
        this.#machine().cutSession();
      },
      () => {
        this.#crashOne();
      },
      () => {
        this.#machine().crashProxy();
      },
      () => void this.#machine().faults.set(this.#random.pick(FAULTY_METHODS), this.#random.between(1, 4)),
    ];
    await this.#random.pick(events)();
  }

  #lifeEvents(): readonly (() => void | Promise<void>)[] {
    const changes = this.#changes;
    return [
      ...[() => this.#destroy(), () => this.#destroy()],
      ...[() => changes.stop(), () => changes.start(), () => changes.rename(), () => changes.lock()],
      ...[() => changes.maintenance(), () => changes.setChecks()],
      () => {
        changes.unwell();
      },
    ];
  }

  #machine(): Machine {
    return this.#random.pick([...this.world.machines.values()]);
  }

  async #push(): Promise<void> {
    const app = this.#changes.name();
    await this.world.app(app);
    const release = this.#random.pick(RELEASE_COMMANDS);
    const processTypes = {
      ...{ web: this.#random.pick(BEHAVIOURS), worker: 'serve' },
      ...(release === '' ? {} : { release }),
    };
    this.world.trace.say('test', `push ${app} ${processTypes.web}`);
    void this.world.push(app, processTypes);
  }

  /** Does not wait for the answer, because a controller that dies never sends it. */
  #destroy(): void {
    if (this.world.apps.size === 0) return;
    const app = this.#random.pick([...this.world.apps.keys()]);
    this.world.trace.say('test', `destroy ${app}`);
    void this.world.destroy(app);
  }

  #config(): void {
    for (const app of this.world.apps.values())
      void this.world.controller.setConfig(app, { A: String(this.#random.next()) }).catch(() => undefined);
  }

  #scale(): Promise<void> {
    const counts = { web: String(this.#random.between(1, 4)), worker: String(this.#random.between(0, 2)) };
    return this.#ask('scale', (app, to) => to.scale(app, OPERATOR, { quantities: counts }));
  }

  #limits(): Promise<void> {
    const limits = { memoryBytes: this.#random.pick([256, 512, 1024, 4000]) * 1024 ** 2 };
    return this.#ask('limits', (app, to) => to.setLimits(app, OPERATOR, { type: 'web', limits }));
  }

  #restart(): Promise<void> {
    return this.#ask('restart', (app, to) => to.restart(app, OPERATOR, {}));
  }

  /** Does not wait for the answer. A refusal is fine too. */
  async #ask(what: string, ask: (app: App, to: Formations) => Promise<unknown>): Promise<void> {
    const app = await this.world.app(this.#changes.name());
    if (!this.world.controller.runs) return;
    this.world.trace.say('test', `${what} ${app.name}`);
    void ask(app, this.world.controller.formations()).catch((error: unknown) => {
      this.world.trace.say('test', String(error));
    });
  }

  async #lostAfter(): Promise<void> {
    const app = await this.world.app(this.#changes.name());
    const [lostAfterMs] = this.#random.pick([[45_000], [90_000], ['never'], [undefined]] as const);
    await this.world.store.setLostAfter(app.id, lostAfterMs);
    this.world.controller.movement?.wake(app.id);
  }

  async #rebalance(): Promise<void> {
    const movement = this.world.controller.movement;
    this.world.trace.say('test', 'rebalance');
    if (movement !== undefined) await this.#during(movement.rebalance.start('test').catch(() => undefined));
  }

  async #killAgent(): Promise<void> {
    const machine = this.#machine();
    this.world.trace.say('test', `kill agent ${machine.name}`);
    machine.killAgent();
    await this.world.clock.advance(this.#random.pick([0, 100, 5000]));
    machine.startAgent();
  }

  async #killController(): Promise<void> {
    this.world.trace.say('test', 'kill controller');
    this.world.controller.kill();
    await this.world.clock.advance(this.#random.pick([0, 100, 5000]));
    await this.#during(this.world.controller.start());
  }

  /** Between two steps of what it does now. */
  async #killControllerAtStep(): Promise<void> {
    const { controller, clock } = this.world;
    controller.killAt(ANY_POINT);
    await clock.advance(this.#random.pick([1000, 10_000]));
    controller.killAt(undefined);
    if (!controller.runs) await this.#during(controller.start());
  }

  async #killAgentAtStep(): Promise<void> {
    const machine = this.#machine();
    machine.killAt(ANY_POINT);
    await this.world.clock.advance(this.#random.pick([1000, 10_000]));
    machine.killAt(undefined);
    if (!machine.agentRuns) machine.startAgent();
  }

  /** For a shorter or longer time than the limit of the apps. All cuts end with the simulation. */
  async #partition(): Promise<void> {
    const { name } = this.#machine();
    this.world.trace.say('test', `partition ${name}`);
    this.world.partitioned.add(name);
    this.world.machines.get(name)?.cutSession();
    await this.world.clock.advance(this.#random.pick([3_000, 40_000, 100_000]));
    if (this.#random.chance(0.7)) this.world.partitioned.delete(name);
  }

  async #drain(): Promise<void> {
    const nodes = await this.world.store.nodes();
    const movement = this.world.controller.movement;
    if (movement === undefined || nodes.length === 0) return;
    const node = this.#random.pick(nodes);
    this.world.trace.say('test', `drain ${node.name}`);
    await this.#during(movement.nodes.drain(node, this.#random.pick([5_000, 60_000]), 'test'));
  }

  async #uncordon(): Promise<void> {
    const nodes = await this.world.store.nodes();
    if (this.world.controller.movement === undefined || nodes.length === 0) return;
    await this.#uncordonNode(this.#random.pick(nodes));
  }

  async #uncordonNode(node: NodeRow): Promise<void> {
    const movement = this.world.controller.movement;
    if (movement !== undefined) await this.#during(movement.nodes.uncordon(node, 'test'));
  }

  /** No message passes any more, and both ends still see an open stream. */
  async #silence(): Promise<void> {
    const { name } = this.#machine();
    this.world.trace.say('test', `silence ${name}`);
    this.world.partitioned.add(name);
    this.world.machines.get(name)?.muteSession();
    await this.world.clock.advance(this.#random.pick([3_000, 40_000, 100_000]));
    if (this.#random.chance(0.7)) this.#unite(name);
  }

  #unite(name: string): void {
    this.world.partitioned.delete(name);
    this.world.machines.get(name)?.cutSession();
  }

  async #power(): Promise<void> {
    const machine = this.#machine();
    this.world.trace.say('test', `power off ${machine.name}`);
    await machine.powerOff();
    await this.world.clock.advance(this.#random.pick([5_000, 40_000, 100_000]));
    this.world.trace.say('test', `power on ${machine.name}`);
    machine.startAgent();
  }

  #crashOne(): void {
    const machine = this.#machine();
    const ids = [...machine.sandbox.specs.keys()];
    if (ids.length === 0) return;
    const id = this.#random.pick(ids);
    this.world.trace.say('test', `crash ${id}`);
    machine.sandbox.crash(id);
  }

  async #during(work: Promise<unknown>): Promise<void> {
    let done = false;
    void work.then(() => (done = true));
    await this.world.clock.until(() => done, 60_000);
  }

  async #heal(): Promise<void> {
    this.world.trace.say('test', 'everything is whole again');
    for (const { faults, unwell } of this.world.machines.values()) {
      faults.clear();
      unwell.clear();
    }
    for (const name of [...this.world.partitioned]) this.#unite(name);
    // A stopped app cannot start while every node is cordoned.
    for (const node of await this.world.store.nodes()) await this.#uncordonNode(node);
    const untilMs = this.world.clock.monotonicMs() + HEALED_MS;
    let quietLooks = 0; // two in a row: a push that waited for another may be about to begin
    while (quietLooks < 2 && this.world.clock.monotonicMs() < untilMs) {
      await this.world.clock.advance(LOOK_MS);
      quietLooks = (await this.#quiet()) ? quietLooks + 1 : 0;
    }
  }

  /** No work is running any more. */
  async #quiet(): Promise<boolean> {
    const { store, machines } = this.world;
    if (!(await this.#changes.isStarted())) return false;
    if ((await store.unfinishedReleases()).length > 0) return false;
    if ((await store.unfinishedCommands()).length > 0) return false;
    const rows = await store.allAssignments();
    if (rows.some((row) => row.desired !== 'run')) return false;
    // A move runs two copies of an instance. The old one stops when all proxies have the new routes.
    const slots = new Set(rows.map((row) => `${row.appId} ${row.processType}.${String(row.ordinal)}`));
    if (slots.size < rows.length) return false;
    if ((await store.destroyedApps(1_000)).some(({ freeAtMs }) => freeAtMs === undefined)) return false;
    const states = [...machines.values()].flatMap((machine) => machine.statuses().map((status) => status.state));
    return (states.length > 0 || this.#appLife) && states.every((state) => state === 'live');
  }
}
