import assert from 'node:assert/strict';
import { abortDeploy, describeDeploy } from '../../../controller/api/operations/deploys.ts';
import { renderDeploy } from '../../../cli/builds/render-deploy.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';
import { setMaintenance } from '../../../controller/api/operations/app-life.ts';
import type { Movement } from '../../../controller/movement/port.ts';
import type { Formations } from '../../../controller/formation/formations.ts';
import type { App } from '../../../controller/domain/apps.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import { readHealthCheck } from '../../../shared/domain/read-health-checks.ts';
import type { PlacementRule } from '../../../shared/domain/placement.ts';
import type { Machine } from './machine.ts';
import { Random } from '../../support/random.ts';
import { statusScreen, whyScreen } from './screens.ts';
import { World } from './world.ts';

/** Limit of the virtual time of a command that waits. */
const PATIENCE_MS = 300_000;

type Asked = (app: App, by: { name: string }, to: Formations) => Promise<unknown>;
type Command = (words: readonly string[]) => void | Promise<void>;

/**
 * Runs a script of commands against a world and returns all that happened. A line is a command, `#` a comment:
 *   node NAME [MB] [LABEL=VALUE…] a machine with an agent that joins
 *   push APP TYPE=BEHAVIOUR, …    waits until the push returns; `push&` does not wait
 *   config APP NAME=VALUE         waits until the change is rolled out
 *   rollback APP [vN]             the command of its owner
 *   scale APP TYPE=N              changes only the database
 *   ps:scale APP TYPE=N|all|+N…   the command of an operator; also: ps:restart APP [WHAT], ps:limits APP TYPE MB,
 *                                 and ps:limits& which does not wait; ps:stop APP [TYPE], ps:start APP [TYPE]
 *   maintenance APP on|off
 *   deploy APP                    prints deploy:status; abort APP, and abort& which does not wait
 *   rename APP NAME               the command of its owner; lock APP [WHY] locks or unlocks deploys
 *   destroy APP                   the command of its owner; destroy& does not wait
 *   may-pause APP                 the app may lose its last instance from now on
 *   checks APP TYPE startup|readiness|liveness…  the next release has these health checks
 *   unwell | well KIND web.1 of APP vN, unwell | well KIND on NODE   that check fails; passes again
 *   placement APP TYPE FIELD=VALUE…  require.LABEL, spread, onFull
 *   run 5s                        lets time pass
 *   crash web.1 of APP vN         ends that process
 *   kill | start agent NAME       kill -9, and a new start; also: kill | start controller
 *   cut NAME                      breaks the node's session
 *   partition | heal NAME         the node cannot reach the controller; its machine keeps running
 *   silence NAME                  the same, but the session stays open: no message passes
 *   power off | on NAME           ends all processes of the machine; boots it
 *   cordon | uncordon NAME, drain NAME [60s], remove NAME [--force]
 *   rebalance
 *   lost-after APP 90s | never
 *   stop proxy NAME               ends its proxy
 *   status, why APP|web.1 of APP|NODE   prints the command's output; stuck NODE: instances that cannot leave
 *   show                          prints releases, instances, routes and refs
 */
export class Script {
  readonly #world: World;

  private constructor(world: World) {
    this.#world = world;
  }

  static async run(text: string, dir: string): Promise<string> {
    const effects: Readonly<Record<string, number>> = {
      ensure: 20,
      prepare: 10,
      start: 20,
      apply: 5,
      signal: 5,
      destroy: 10,
    };
    const world = await World.open({
      ...{ dir, random: new Random(1), latencyMs: () => 2, storeMs: () => 1 },
      effectMs: (method) => effects[method] ?? 1,
    });
    const script = new Script(world);
    await script.#wait(world.controller.start());
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      world.trace.raw(line.startsWith('#') ? line : `\n> ${line}`);
      if (!line.startsWith('#')) await script.#command(line);
    }
    await world.store.close();
    assert.deepEqual(world.violations, []);
    return `${world.trace.lines.map(withoutMilliseconds).join('\n')}\n`;
  }

  async #command(line: string): Promise<void> {
    const [verb = '', ...words] = line.split(/\s+/);
    const command = this.#commands[verb];
    if (command === undefined) throw new Error(`no such command: ${line}`);
    await command(words);
  }

  readonly #commands: Readonly<Record<string, Command>> = {
    node: async ([name = '', megabytes = '8000', ...labels]) => {
      (await this.#world.addMachine(name, Number(megabytes) * 1e6, Object.fromEntries(pairsOf(labels)))).startAgent();
      await this.#world.clock.advance(1000);
    },
    push: (words) => this.#wait(this.#push(words)),
    'push&': (words) => void this.#push(words),
    config: ([app = '', ...pairs]) => this.#wait(this.#config(app, pairs)),
    rollback: ([app = '', version]) => this.#wait(this.#rollBack(app, version)),
    scale: async ([app = '', ...pairs]) => {
      const counts = pairsOf(pairs).map(([type, count]) => [type, count === 'all' ? count : Number(count)] as const);
      const { id } = await this.#world.app(app);
      await this.#world.store.setFormation(id, Object.fromEntries(counts));
      this.#world.controller.movement?.wake(id);
    },
    'ps:scale': ([app = '', ...pairs]) =>
      this.#ask(app, (target, by, formations) => formations.scale(target, by, Object.fromEntries(pairsOf(pairs)))),
    'ps:restart': ([app = '', which]) =>
      this.#ask(app, (target, by, formations) => formations.restart(target, by, which)),
    'ps:stop': ([app = '', which]) => {
      this.#world.mayPause.add(app);
      return this.#ask(app, (target, by, formations) => formations.stop(target, by, which));
    },
    'ps:start': ([app = '', which]) => this.#ask(app, (target, by, formations) => formations.start(target, by, which)),
    abort: ([app = '']) => this.#wait(this.#abort(app)),
    'abort&': ([app = '']) => void this.#abort(app),
    deploy: async ([app = '']) => {
      const deploy = await describeDeploy(this.#world.controller.deployDeps(), await this.#world.app(app));
      this.#print(renderDeploy(app, deploy, plainPaint).join(''));
    },
    rename: ([app = '', name = '']) => this.#wait(this.#world.rename(app, name)),
    maintenance: async ([app = '', state = '']) => {
      const { fleet } = this.#world.controller.screens();
      const [target, [user]] = [await this.#world.app(app), await this.#world.store.users()];
      const change = { app: target, user: user!, maintenance: state === 'on' ? {} : undefined };
      await this.#wait(
        setMaintenance({ store: this.#world.store, fleet }, { ...change, signal: new AbortController().signal }),
      );
    },
    lock: async ([app = '', ...why]) => {
      const { id } = await this.#world.app(app);
      await this.#world.store.setLock(id, why.length === 0 ? undefined : { why: why.join(' '), by: 'ada' }, {
        by: 'ada',
      });
    },
    'ps:limits': (words) => this.#wait(this.#limits(words)),
    'ps:limits&': (words) => void this.#limits(words),
    checks: ([app = '', type = '', ...kinds]) => this.#checks(app, type, kinds),
    unwell: ([kind = '', ...where]) => {
      this.#setUnwell(kind, where, true);
    },
    well: ([kind = '', ...where]) => {
      this.#setUnwell(kind, where, false);
    },
    placement: ([app = '', type = '', ...pairs]) =>
      this.#ask(app, (target, by, formations) => formations.setPlacement(target, by, { type, rule: ruleOf(pairs) })),
    destroy: ([app = '']) => this.#wait(this.#world.destroy(app)),
    'destroy&': ([app = '']) => void this.#world.destroy(app),
    'may-pause': ([app = '']) => void this.#world.mayPause.add(app),
    run: ([time = '0s']) => this.#world.clock.advance(millisecondsOf(time)),
    crash: ([...name]) => {
      this.#crash(name.join(' '));
    },
    kill: ([what = '', name = '']) => {
      if (what === 'controller') this.#world.controller.kill();
      else this.#world.machines.get(name)!.killAgent();
    },
    start: async ([what = '', name = '']) => {
      if (what === 'controller') await this.#wait(this.#world.controller.start());
      else this.#world.machines.get(name)!.startAgent();
    },
    stop: ([, name = '']) => {
      this.#world.machines.get(name)!.crashProxy();
    },
    cut: ([name = '']) => {
      this.#world.machines.get(name)!.cutSession();
    },
    ...this.#nodeCommands(),
    show: () => this.#show(),
    status: async () => {
      const screens = this.#world.controller.screens();
      this.#print(await statusScreen(screens, screens.startedAtMs));
    },
    why: async (words) => {
      this.#print(await whyScreen(this.#world.controller.screens(), words.join(' ')));
    },
  };

  #nodeCommands(): Readonly<Record<string, Command>> {
    const world = (): World => this.#world;
    const machine = (name = ''): Machine => world().machines.get(name)!;
    const asked = (
      act: (admin: Movement['nodes'], node: NodeRow, rest: readonly string[]) => Promise<unknown>,
    ): Command => {
      return async ([name = '', ...rest]) => {
        const node = (await world().store.nodes()).find((each) => each.name === name)!;
        const work = act(world().controller.movement!.nodes, node, rest).catch((error: unknown) => {
          world().trace.say('admin', String(error));
        });
        await this.#wait(work);
      };
    };
    return {
      partition: ([name = '']) => {
        world().partitioned.add(name);
        machine(name).cutSession();
      },
      silence: ([name = '']) => {
        world().partitioned.add(name);
        machine(name).muteSession();
      },
      heal: ([name = '']) => void world().partitioned.delete(name),
      power: ([way = '', name = '']) => (way === 'on' ? machine(name).startAgent() : machine(name).powerOff()),
      cordon: asked((admin, node) => admin.cordon(node, 'ada')),
      uncordon: asked((admin, node) => admin.uncordon(node, 'ada')),
      drain: asked((admin, node, [time = '600s']) => admin.drain(node, parseFloat(time) * 1000, 'ada')),
      remove: asked((admin, node, rest) => admin.remove(node, rest.includes('--force'), 'ada')),
      rebalance: async () => {
        await this.#wait(world().controller.movement!.rebalance.start('ada'));
      },
      stuck: async ([name = '']) => {
        const { store, controller, trace } = this.#world;
        const node = (await store.nodes()).find((each) => each.name === name)!;
        const rows = await store.assignmentsOfNode(node.id);
        const stuck = rows.map(
          (row) =>
            `  ${trace.nameOf(row.instanceId)}: ${controller.movement!.blockedBecause(row.instanceId) ?? 'may stay'}`,
        );
        this.#print(stuck.join('\n'));
      },
      'lost-after': async ([app = '', time = '']) => {
        await world().store.setLostAfter(
          (await world().app(app)).id,
          time === 'never' ? 'never' : parseFloat(time) * 1000,
        );
      },
    };
  }

  #print(screen: string): void {
    this.#world.trace.raw(screen.trimEnd());
  }

  #limits([app = '', type = '', megabytes = '']: readonly string[]): Promise<void> {
    const limits = { memoryBytes: Number(megabytes) * 1024 ** 2 };
    return this.#asked(app, (target, by, formations) => formations.setLimits(target, by, { type, limits }));
  }

  #ask(name: string, what: Asked): Promise<void> {
    return this.#wait(this.#asked(name, what));
  }

  async #asked(name: string, what: Asked): Promise<void> {
    const { trace, controller } = this.#world;
    const app = await this.#world.app(name);
    await what(app, { name: 'ada' }, controller.formations()).then(
      () => {
        trace.say('ask', 'done');
      },
      (error: unknown) => {
        trace.say('ask', error instanceof Error ? error.message : String(error));
      },
    );
  }

  async #abort(name: string): Promise<void> {
    const deps = this.#world.controller.deployDeps();
    const [app, [user]] = [await this.#world.app(name), await this.#world.store.users()];
    await abortDeploy(deps, { app, user: user! }).then(
      ({ phase }) => {
        this.#world.trace.say('abort', `done; the deploy is ${phase}`);
      },
      (error: unknown) => {
        this.#world.trace.say('abort', error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** Lets time pass until the work is done. */
  async #wait(work: Promise<unknown>): Promise<void> {
    let done = false;
    void work.then(() => (done = true));
    await this.#world.clock.until(() => done, PATIENCE_MS);
  }

  async #push([app = '', ...rest]: readonly string[]): Promise<void> {
    await this.#world.push(app, Object.fromEntries(pairsOf(rest.join(' ').split(', '))));
  }

  async #config(app: string, pairs: readonly string[]): Promise<void> {
    const { trace, controller } = this.#world;
    await controller.setConfig(await this.#world.app(app), Object.fromEntries(pairsOf(pairs))).then(
      ({ version, changed }) => {
        trace.say(
          'config',
          `${changed.length === 0 ? 'nothing new' : 'set'}${version === undefined ? '' : `, v${String(version)}`}`,
        );
      },
      (error: unknown) => {
        trace.say('config', String(error));
      },
    );
  }

  async #rollBack(name: string, version: string | undefined): Promise<void> {
    const { trace, controller } = this.#world;
    const wanted = version === undefined ? undefined : Number(version.slice(1));
    await controller.rollBack(await this.#world.app(name), wanted).then(
      (made) => {
        trace.say(
          'rollback',
          `to v${String(made.to)}, v${String(made.version)}; changed: ${made.changed.join(', ') || 'nothing'}`,
        );
      },
      (error: unknown) => {
        trace.say('rollback', error instanceof Error ? error.message : String(error));
      },
    );
  }

  #crash(name: string): void {
    for (const { machine, id } of this.#named(name)) machine.sandbox.crash(id, { code: 1 });
  }

  #named(name: string): readonly { readonly machine: Machine; readonly id: string }[] {
    const all = [...this.#world.machines.values()].flatMap((machine) =>
      [...machine.sandbox.specs.keys()].map((id) => ({ machine, id })),
    );
    return all.filter(({ id }) => this.#world.trace.nameOf(id) === name);
  }

  async #checks(app: string, type: string, kinds: readonly string[]): Promise<void> {
    const checks = kinds.map((kind) =>
      readHealthCheck(type, { type: kind, path: '/up' }, { path: kind, refuse: (what) => new Error(what) }),
    );
    await this.#world.store.changeHealthChecks((await this.#world.app(app)).id, () => ({ [type]: checks }));
  }

  #setUnwell(kind: string, where: readonly string[], isUnwell: boolean): void {
    const [first = '', second = ''] = where;
    const targets =
      first === 'on'
        ? [{ machine: this.#world.machines.get(second)!, key: kind }]
        : this.#named(where.join(' ')).map(({ machine, id }) => ({ machine, key: `${kind} ${id}` }));
    for (const { machine, key } of targets) {
      if (isUnwell) machine.unwell.add(key);
      else machine.unwell.delete(key);
    }
  }

  async #show(): Promise<void> {
    const { apps, store, trace, refs, machines } = this.#world;
    for (const app of apps.values()) {
      const releases = (await store.releases(app.id, 100)).map(
        (release) => `v${String(release.version)} ${release.state}`,
      );
      trace.raw(
        `  ${app.name}: ${releases.join(', ')}; ref ${(refs.get(app.name) ?? '- -').split(' ')[1]?.slice(0, 7) ?? '-'}`,
      );
    }
    for (const machine of machines.values()) this.#showMachine(machine);
  }

  #showMachine(machine: Machine): void {
    const { trace } = this.#world;
    for (const { instanceId, state, restarts } of machine.statuses()) {
      const desired =
        machine.acceptedState?.assignments.find((one) => one.instanceId === instanceId)?.desired ?? 'forgotten';
      trace.raw(
        `  ${machine.name}: ${trace.nameOf(instanceId)} ${state} (${desired}${restarts === 0 ? '' : `, restarts ${String(restarts)}`})`,
      );
    }
    for (const { app, backends, maintenance } of machine.proxy.routes()) {
      const note = maintenance === undefined ? '' : ' (in maintenance)';
      trace.raw(
        `  ${machine.name}: ${app} is served by ${backends.map(({ id }) => trace.nameOf(id)).join(', ') || 'nobody'}${note}`,
      );
    }
  }
}

/** `require.region=fra onFull=stop-first` */
function ruleOf(words: readonly string[]): Partial<PlacementRule> {
  const pairs = pairsOf(words);
  const labels = pairs
    .filter(([name]) => name.startsWith('require.'))
    .map(([name, value]) => [name.slice('require.'.length), value]);
  const rest = Object.fromEntries(pairs.filter(([name]) => !name.startsWith('require.')));
  return { ...rest, ...(labels.length === 0 ? {} : { require: Object.fromEntries(labels) as Record<string, string> }) };
}

/** `500ms`, `5s` */
function millisecondsOf(time: string): number {
  return time.endsWith('ms') ? parseFloat(time) : parseFloat(time) * 1000;
}

/** `web=serve` → ['web', 'serve'] */
function pairsOf(words: readonly string[]): [string, string][] {
  return words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
}

/** The output has the second of each event, so a change of a few milliseconds changes no line. */
function withoutMilliseconds(line: string): string {
  return line.replace(/^( *\d+)\.\d{3} /, '$1 ');
}
