import { abortDeploy, describeDeploy } from '../../../controller/api/operations/deploys.ts';
import { renderDeploy } from '../../../cli/builds/render-deploy.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';
import { setMaintenance } from '../../../controller/api/operations/app-life.ts';
import type { Formations } from '../../../controller/formation/formations.ts';
import type { App } from '../../../controller/domain/apps.ts';
import { readHealthCheck } from '../../../shared/domain/read-health-checks.ts';
import type { Command, Commands, ScriptScene } from './script-scene.ts';
import { pairsOf, ruleOf } from './script-words.ts';

type Asked = (app: App, by: { name: string }, to: Formations) => Promise<unknown>;

/** The commands of a script that deploy and change an app. */
export function appCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  /** Also as `verb&`, which does not wait. */
  const twice = (verb: string, work: (words: readonly string[]) => Promise<unknown>): Commands => ({
    [verb]: (words) => scene.wait(work(words)),
    [`${verb}&`]: (words) => void work(words),
  });
  return {
    ...twice('push', ([app = '', ...rest]) => world.push(app, Object.fromEntries(pairsOf(rest.join(' ').split(', '))))),
    ...twice('config', ([app = '', ...pairs]) => setConfig(scene, app, pairs)),
    ...twice('rollback', ([app = '', version]) => rollBack(scene, app, version)),
    ...twice('abort', ([app = '']) => abort(scene, app)),
    ...twice('rename', ([app = '', name = '']) => world.rename(app, name)),
    ...twice('maintenance', ([app = '', state = '']) => changeMaintenance(scene, app, state === 'on')),
    ...twice('destroy', ([app = '']) => world.destroy(app)),
    deploy: async ([app = '']) => {
      const deploy = await describeDeploy(world.controller.deployDeps(), await world.app(app));
      scene.print(renderDeploy(app, deploy, plainPaint).join(''));
    },
    lock: async ([app = '', ...why]) => {
      const { id } = await world.app(app);
      await world.store.setLock(id, why.length === 0 ? undefined : { why: why.join(' '), by: 'ada' }, { by: 'ada' });
    },
    cron: ([app = '', name = '', schedule = '', ...command]) =>
      world.addCron(app, { name, schedule: schedule.replaceAll('_', ' '), command: command.join(' ') }),
    'may-pause': ([app = '']) => void world.mayPause.add(app),
    'lost-after': async ([app = '', time = '']) => {
      await world.store.setLostAfter((await world.app(app)).id, time === 'never' ? 'never' : parseFloat(time) * 1000);
    },
    checks: ([app = '', type = '', ...kinds]) => setChecks(scene, { app, type, kinds }),
    ...formationCommands(scene),
  };
}

function formationCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  const asked = async (name: string, what: Asked): Promise<void> => {
    const app = await world.app(name);
    await scene.said('ask', what(app, { name: 'ada' }, world.controller.formations()), () => 'done');
  };
  const twice = (verb: string, what: (words: readonly string[]) => Asked): Commands => {
    const work: Command = ([app = '', ...rest]) => {
      if (verb === 'ps:stop') world.mayPause.add(app);
      return asked(app, what(rest));
    };
    return {
      [verb]: (words) => scene.wait(Promise.resolve(work(words))),
      [`${verb}&`]: (words) => void work(words),
    };
  };
  return {
    scale: async ([app = '', ...pairs]) => {
      const counts = pairsOf(pairs).map(([type, count]) => [type, count === 'all' ? count : Number(count)] as const);
      const { id } = await world.app(app);
      await world.store.setFormation(id, Object.fromEntries(counts));
      world.controller.movement?.wake(id);
    },
    ...twice(
      'ps:scale',
      (pairs) => (app, by, to) => to.scale(app, by, { quantities: Object.fromEntries(pairsOf(pairs)) }),
    ),
    ...twice(
      'ps:restart',
      ([which]) =>
        (app, by, to) =>
          to.restart(app, by, { which }),
    ),
    ...twice(
      'ps:stop',
      ([which]) =>
        (app, by, to) =>
          to.stop(app, by, { type: which }),
    ),
    ...twice(
      'ps:start',
      ([which]) =>
        (app, by, to) =>
          to.start(app, by, { type: which }),
    ),
    ...twice('ps:limits', ([type = '', megabytes = '']) => (app, by, to) => {
      return to.setLimits(app, by, { type, limits: { memoryBytes: Number(megabytes) * 1024 ** 2 } });
    }),
    ...twice('placement', ([type = '', ...pairs]) => (app, by, to) => {
      return to.setPlacement(app, by, { type, rule: ruleOf(pairs) });
    }),
  };
}

async function changeMaintenance({ world }: ScriptScene, name: string, isOn: boolean): Promise<void> {
  const [app, [user]] = [await world.app(name), await world.store.users()];
  const { signal } = new AbortController();
  const change = { app, user: user!, maintenance: isOn ? {} : undefined, signal };
  await setMaintenance(world.controller.lifeDeps(), change);
}

async function abort(scene: ScriptScene, name: string): Promise<void> {
  const { world } = scene;
  const deps = world.controller.deployDeps();
  const [app, [user]] = [await world.app(name), await world.store.users()];
  const aborted = abortDeploy(deps, { app, user: user! });
  await scene.said('abort', aborted, ({ phase, stoppedScripts }) => {
    const scripts = stoppedScripts && `stopped the scripts of v${String(stoppedScripts.version)}`;
    return `${scripts ?? 'done'}; the deploy is ${phase}`;
  });
}

async function setConfig(scene: ScriptScene, app: string, pairs: readonly string[]): Promise<void> {
  const { world } = scene;
  const set = world.controller.setConfig(await world.app(app), Object.fromEntries(pairsOf(pairs)));
  await scene.said('config', set, ({ version, changed }) => {
    return `${changed.length === 0 ? 'nothing new' : 'set'}${version === undefined ? '' : `, v${String(version)}`}`;
  });
}

async function rollBack(scene: ScriptScene, name: string, version: string | undefined): Promise<void> {
  const { world } = scene;
  const wanted = version === undefined ? undefined : Number(version.slice(1));
  const made = world.controller.rollBack(await world.app(name), wanted);
  await scene.said('rollback', made, (one) => {
    return `to v${String(one.to)}, v${String(one.version)}; changed: ${one.changed.join(', ') || 'nothing'}`;
  });
}

async function setChecks(
  { world }: ScriptScene,
  { app, type, kinds }: { readonly app: string; readonly type: string; readonly kinds: readonly string[] },
): Promise<void> {
  const checks = kinds.map((kind) =>
    readHealthCheck(type, { type: kind, path: '/up' }, { path: kind, refuse: (what) => new Error(what) }),
  );
  await world.store.changeHealthChecks((await world.app(app)).id, () => ({ [type]: checks }));
}
