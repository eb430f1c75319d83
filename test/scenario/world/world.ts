import assert from 'node:assert/strict';
import { renameApp } from '../../../controller/api/operations/app-life.ts';
import { openStore } from '../../../controller/store/open-store.ts';
import type { App } from '../../../controller/domain/apps.ts';
import type { AssignmentChange, AssignmentRow } from '../../../controller/domain/assignments.ts';
import type { Store } from '../../../controller/store/port.ts';
import type { AppRoutes } from '../../../agent/proxy/port.ts';
import type { CronEntry } from '../../../shared/domain/cron.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import { parseAppName, parseNodeName, parseUserName } from '../../../shared/domain/names.ts';
import { wantedCounts } from '../../../shared/domain/placement.ts';
import { revealAll } from '../../../shared/kit/sensitive.ts';
import { Machine } from './machine.ts';
import { SimulatedController } from './controller.ts';
import { codeFor } from './pushed-code.ts';
import { checkAcknowledged, checkChange, checkReleases, checkRoutes, servingOf } from './safety.ts';
import type { Random } from '../../support/random.ts';
import { Trace } from './trace.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Wire } from './wire.ts';
import { TEST_KEYRING } from '../../support/store-fixtures.ts';

export interface WorldOptions {
  /** Folder for the files of the fake sandboxes. */
  readonly dir: string;
  readonly random: Random;
  readonly latencyMs: () => number;
  readonly storeMs: () => number;
  readonly effectMs: (method: string) => number;
}

type NextId = (prefix: string) => string;

/** Time between a decision and its write to the database, at most. */
const JUST_NOW_MS = 1_000;

/** One controller and some nodes in one process, on a virtual clock. The safety rules are checked at every change. */
export class World {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly machines = new Map<string, Machine>();
  readonly apps = new Map<string, App>();
  /** App id → `ref commit`. */
  readonly refs = new Map<string, string>();
  readonly failed = new Set<string>();
  readonly mayPause = new Set<string>();
  readonly released = new Set<string>();
  readonly violations: string[] = [];
  /** Nodes that cannot reach the controller. */
  readonly partitioned = new Set<string>();
  readonly store: Store;
  readonly controller: SimulatedController;
  readonly #options: WorldOptions;
  readonly #cron = new Map<string, readonly CronEntry[]>();
  readonly #made = new Map<string, Promise<App>>();
  #pushes = 0;

  private constructor(
    options: WorldOptions,
    parts: { readonly clock: VirtualClock; readonly store: Store; readonly nextId: NextId },
  ) {
    this.#options = options;
    this.clock = parts.clock;
    this.trace = new Trace(parts.clock);
    this.store = this.#traced(parts.store);
    const { clock, trace, refs, store } = this;
    this.controller = new SimulatedController({
      ...{ clock, trace, refs, store },
      nextId: parts.nextId,
      storeMs: options.storeMs,
    });
  }

  static async open(options: WorldOptions): Promise<World> {
    const clock = new VirtualClock();
    let count = 0;
    const nextId: NextId = (prefix) => `${prefix}${String((count += 1)).padStart(8, '0')}`;
    const store = await openStore({ path: ':memory:', clock, randomId: () => nextId('row'), keyring: TEST_KEYRING });
    await store.createUser({ name: parseUserName('ada'), admin: true });
    return new World(options, { clock, store, nextId });
  }

  async addMachine(name: string, memoryBytes = 8e9, labels: Readonly<Record<string, string>> = {}): Promise<Machine> {
    const secretHash = `token-${name}`;
    await this.store.addJoinToken({ secretHash, labels, expiresAtMs: Number.MAX_SAFE_INTEGER });
    const certificateSerial = `a${String(this.machines.size).padStart(3, '0')}`;
    const row = await this.store.redeemJoinToken(secretHash, this.clock.nowMs(), {
      name: parseNodeName(name),
      certificateSerial,
    });
    this.trace.name(row.id, name);
    const { clock, trace } = this;
    const { random, effectMs, dir } = this.#options;
    const machine = new Machine({
      ...{ name, dir, memoryBytes, clock, trace, random, effectMs },
      dial: () => this.#dial(name, certificateSerial),
      onRoutes: (on, before) => {
        this.#routesChanged(on, before);
      },
    });
    this.machines.set(name, machine);
    return machine;
  }

  /** Creates the app when it is named for the first time. */
  app(name: string): Promise<App> {
    const made = this.#made.get(name) ?? this.#createApp(name);
    this.#made.set(name, made);
    return made;
  }

  /** Pushes code with the given processes. Resolves when the push returns. */
  async push(name: string, processTypes: Readonly<Record<string, string>>): Promise<boolean> {
    const app = await this.app(name);
    this.#pushes += 1;
    const commit = this.#pushes.toString(16).padStart(7, '0').padEnd(40, '0');
    const locked = (await this.store.appById(app.id))?.lock;
    const outcome = await this.controller.push(app, codeFor(processTypes, commit, this.#cron.get(app.id)), (text) => {
      this.trace.say('push', text.replace(/^ *Time: .*\n/m, ''));
    });
    const now = (await this.store.appById(app.id))?.lock;
    if (outcome.ok && locked !== undefined && now?.atMs === locked.atMs)
      this.violations.push(`${app.name} was locked, and a push was released`);
    this.trace.say('push', outcome.ok ? 'ok' : `rejected (${outcome.reason})`);
    return outcome.ok;
  }

  /** The next pushes of the app have this cron entry too. */
  async addCron(name: string, entry: Pick<CronEntry, 'name' | 'schedule' | 'command'>): Promise<void> {
    const { id } = await this.app(name);
    const rest = {
      timeZone: 'Etc/UTC',
      concurrency: 'allow',
      missed: 'run-once',
      timeoutMs: 60_000,
      suspended: false,
    } as const;
    this.#cron.set(id, [...(this.#cron.get(id) ?? []), { ...entry, ...rest }]);
  }

  /** A later app with the same name is a different app. */
  async destroy(name: string): Promise<void> {
    const app = await this.app(name);
    this.mayPause.add(name);
    const outcome = await this.controller.destroy(app, parseUserName('ada')).then(
      () => 'destroyed',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    this.trace.say('destroy', `${name}: ${outcome}`);
  }

  async rename(name: string, next: string): Promise<void> {
    const [app, [user]] = [await this.app(name), await this.store.users()];
    const { signal } = new AbortController();
    const renamed = renameApp(this.controller.lifeDeps(), { app, user: user!, name: next, signal });
    const outcome = await renamed.then(
      () => `${name} → ${next}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    this.trace.say('rename', outcome);
  }

  /** The instances of an app that run, have routes and passed the health check, on all nodes. */
  serving(app: string): readonly string[] {
    return servingOf(this, app);
  }

  async #createApp(name: string): Promise<App> {
    const [owner] = await this.store.users();
    const app = await this.store.createApp({ name: parseAppName(name), ownerId: owner!.id, stack: 'host' });
    this.apps.set(name, app);
    return app;
  }

  #dial(name: string, serial: string): Wire | undefined {
    if (this.partitioned.has(name)) return undefined;
    const wire = new Wire({ clock: this.clock, latencyMs: this.#options.latencyMs, serial, name });
    return this.controller.accept(wire) ? wire : undefined;
  }

  /** A broken rule must fail the test, and not only write a log line. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.violations.push(words);
      this.trace.say('RULE', words);
    }
  }

  #routesChanged(machine: Machine, before: readonly AppRoutes[]): void {
    this.#guard(() => {
      checkRoutes(this, machine, before);
    });
    for (const { app, backends } of machine.proxy.routes()) {
      const ids = backends.map((each) => each.id).join(' ');
      const former = before
        .find((route) => route.app === app)
        ?.backends.map((each) => each.id)
        .join(' ');
      if (ids !== (former ?? '')) this.trace.say(machine.name, `traffic of ${app} → ${ids === '' ? 'nobody' : ids}`);
    }
  }

  /** The store. It traces the changes of releases and assignments. */
  #traced(store: Store): Store {
    const say = (text: string): void => {
      this.trace.say('controller', text);
    };
    const check = async (appId: string): Promise<void> => {
      const app = [...this.apps.values()].find((each) => each.id === appId);
      const releases = await store.releases(appId as App['id'], 1000);
      this.#guard(() => {
        checkReleases(app?.name ?? appId, releases);
      });
    };
    return {
      ...store,
      createRelease: async (release) => {
        const made = await store.createRelease(release);
        say(`v${String(made.version)} pending: ${made.description}`);
        return made;
      },
      beginRollout: async (appId, version, change) => {
        this.#sayChange(change, `v${String(version)} deploying`);
        await store.beginRollout(appId, version, change);
        await check(appId);
      },
      completeRollout: async (appId, version, change) => {
        await store.completeRollout(appId, version, change);
        this.released.add([...this.apps.values()].find((each) => each.id === appId)?.name ?? '');
        say(`v${String(version)} current`);
        await check(appId);
        await this.#checkConfig(store, appId, version);
      },
      failRelease: async (appId, version, ...[failure, change, restore]) => {
        await store.failRelease(appId, version, failure, change, restore);
        for (const row of await store.assignmentsOfApp(appId))
          if (row.release === version) this.failed.add(row.instanceId);
        this.#sayChange(
          change,
          `v${String(version)} failed: ${failure.message}${restore === undefined ? '' : ` (v${String(restore)} is current again)`}`,
        );
        await check(appId);
      },
      destroyApp: async (appId, by) => {
        const nodes = await store.destroyApp(appId, by);
        const name = [...this.apps.values()].find((each) => each.id === appId)?.name ?? '';
        this.apps.delete(name);
        this.released.delete(name);
        this.#made.delete(name);
        this.refs.delete(appId);
        say(
          `${name} is destroyed; waiting for ${nodes?.map((node) => this.trace.nameOf(node)).join(', ') ?? 'nobody'}`,
        );
        return nodes;
      },
      renameApp: async (appId, next, by) => {
        const former = [...this.apps.values()].find((each) => each.id === appId)?.name ?? '';
        for (const names of [this.mayPause, this.released]) if (names.has(former)) names.add(next);
        const renamed = await store.renameApp(appId, next, by);
        this.apps.delete(former);
        this.#made.delete(former);
        this.apps.set(next, renamed.app);
        this.#made.set(next, Promise.resolve(renamed.app));
        return renamed;
      },
      acknowledgeDestroyed: async (nodeId, appIds) => {
        const awaited = (await store.destroyedApps(1_000)).filter(
          (app) => appIds.includes(app.appId) && app.awaited.includes(nodeId),
        );
        checkAcknowledged(this.machines.get(this.trace.nameOf(nodeId)), awaited);
        say(`nothing of ${String(appIds.length)} destroyed apps is left on ${this.trace.nameOf(nodeId)}`);
        return await store.acknowledgeDestroyed(nodeId, appIds);
      },
      changeAssignments: async (change) => {
        await this.#checkChange(store, change);
        this.#sayChange(change);
        await store.changeAssignments(change);
      },
    };
  }

  /** A rollback restores slug and config together. */
  async #checkConfig(store: Store, appId: App['id'], version: number): Promise<void> {
    const [release, config] = [await store.release(appId, version), await store.config(appId)];
    if (release?.cause !== 'rollback') return;
    this.#guard(() => {
      assert.deepEqual(revealAll(config), revealAll(release.config), 'a rollback did not restore the config');
    });
  }

  async #checkChange(store: Store, change: AssignmentChange): Promise<void> {
    if (change.setDesired.length === 0 || !this.controller.runs) return;
    const { fleet, clock } = this.controller.screens();
    const touched = new Set(change.setDesired.map(({ instanceId }) => instanceId));
    for (const app of this.apps.values()) {
      const rows = await store.assignmentsOfApp(app.id);
      if (!rows.some((row) => touched.has(row.instanceId))) continue;
      const isLive = ({ instanceId, nodeId }: AssignmentRow): boolean => {
        const [node, status] = [fleet.node(nodeId), fleet.status(instanceId)];
        // The controller could not know of instances that ended while it wrote the change.
        const here = node?.connected === true || justNow(clock.monotonicMs(), node?.lastSeenAtMs);
        return here && (status?.state === 'live' || justNow(clock.nowMs(), status?.lastExit?.atMs));
      };
      const current = await store.currentRelease(app.id);
      const wanted =
        current === undefined
          ? undefined
          : wantedCounts(current.slug.processTypes, await store.formation(app.id))['web'];
      const count = wanted === 'all' ? undefined : wanted;
      this.#guard(() => {
        checkChange(this, { app: app.name, rows, count, isLive }, change);
      });
    }
  }

  #sayChange(change: AssignmentChange, before?: string): void {
    if (before !== undefined) this.trace.say('controller', before);
    for (const row of change.add) {
      const app = [...this.apps.values()].find((each) => each.id === row.appId)?.name ?? '';
      this.trace.name(row.instanceId, `${instanceName(row)} of ${app} v${String(row.release)}`);
      this.trace.say('controller', `place ${row.instanceId} on ${this.trace.nameOf(row.nodeId)}`);
    }
    for (const { instanceId, desired } of change.setDesired)
      this.trace.say('controller', `want ${instanceId}: ${desired}`);
  }
}

function justNow(nowMs: number, atMs: number | undefined): boolean {
  return atMs !== undefined && nowMs - atMs < JUST_NOW_MS;
}
