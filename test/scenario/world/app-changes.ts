import { setMaintenance } from '../../../controller/api/operations/app-life.ts';
import type { App } from '../../../controller/domain/apps.ts';
import { readHealthCheck } from '../../../shared/domain/read-health-checks.ts';
import type { Random } from '../../support/random.ts';
import type { World } from './world.ts';

const OPERATOR = { name: 'ada' };
/** The names of each app. A rename takes the next one. */
const NAMES = [
  ['shop', 'store'],
  ['blog', 'news'],
] as const;

/** Random changes of whole apps. None waits for its answer, because a controller that dies never sends it. */
export class AppChanges {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** The name of one of the apps. An app that does not exist has its first name, or its last one after a rename and a destroy. */
  name(): string {
    const { apps } = this.#world;
    const names = this.#random.pick(NAMES);
    return names.find((name) => apps.has(name)) ?? names[0];
  }

  rollBack(): Promise<void> {
    return this.#change('rollback', (app) => this.#world.controller.rollBack(app, undefined));
  }

  stop(): Promise<void> {
    const type = this.#random.pick(['', 'web', 'worker']);
    return this.#change('stop', (app) => {
      this.#world.mayPause.add(app.name);
      return this.#world.controller.formations().stop(app, OPERATOR, type === '' ? {} : { type });
    });
  }

  start(): Promise<void> {
    return this.#change('start', (app) => this.#world.controller.formations().start(app, OPERATOR, {}));
  }

  rename(): Promise<void> {
    return this.#change('rename', ({ name }) => {
      const [first, second] = NAMES.find((names) => names.some((each) => each === name)) ?? NAMES[0];
      return this.#world.rename(name, name === first ? second : first);
    });
  }

  maintenance(): Promise<void> {
    return this.#change('maintenance', async (app) => {
      const [user] = await this.#world.store.users();
      const maintenance = this.#random.chance(0.5) ? {} : undefined;
      const change = { app, user: user!, maintenance, signal: new AbortController().signal };
      await setMaintenance(this.#world.controller.lifeDeps(), change);
    });
  }

  lock(): Promise<void> {
    const lock = this.#random.chance(0.4) ? { why: 'a migration', by: 'ada' } : undefined;
    return this.#change('lock', (app) => this.#world.store.setLock(app.id, lock, { by: 'ada' }));
  }

  /** The next releases have these checks. */
  async setChecks(): Promise<void> {
    for (const app of this.#world.apps.values()) {
      const checks = (['readiness', 'liveness'] as const).map((type) =>
        readHealthCheck('web', { type, path: '/up' }, { path: type, refuse: (what) => new Error(what) }),
      );
      await this.#world.store.changeHealthChecks(app.id, () => ({ web: checks }));
    }
  }

  /** A check fails on one machine, or passes there again. An app may be down then, because its own check says so. */
  unwell(): void {
    for (const name of NAMES.flat()) this.#world.mayPause.add(name);
    const { unwell, name } = this.#random.pick([...this.#world.machines.values()]);
    const kind = this.#random.pick(['readiness', 'liveness']);
    this.#world.trace.say('test', `${kind} of ${name} ${unwell.has(kind) ? 'passes' : 'fails'}`);
    if (!unwell.delete(kind)) unwell.add(kind);
  }

  /** True when nothing is stopped. Starts what is stopped. */
  async isStarted(): Promise<boolean> {
    const stopped: App[] = [];
    for (const { id } of this.#world.apps.values()) {
      const app = await this.#world.store.appById(id);
      if (app?.stopped !== undefined) stopped.push(app);
    }
    for (const app of stopped)
      void this.#world.controller
        .formations()
        .start(app, OPERATOR, {})
        .catch(() => undefined);
    return stopped.length === 0;
  }

  /** A refusal is fine too. */
  async #change(what: string, change: (app: App) => Promise<unknown>): Promise<void> {
    const app = await this.#world.app(this.name());
    if (!this.#world.controller.runs) return;
    this.#world.trace.say('test', `${what} ${app.name}`);
    void change(app).catch((error: unknown) => {
      this.#world.trace.say('test', `${what}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}
