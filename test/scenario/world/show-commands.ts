import type { AppId } from '../../../shared/domain/ids.ts';
import type { Machine } from './machine.ts';
import { statusScreen, whyScreen } from './screens.ts';
import type { Commands, ScriptScene } from './script-scene.ts';

/** The commands of a script that print what is. */
export function showCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  return {
    show: () => show(scene),
    status: async () => {
      const screens = world.controller.screens();
      scene.print(await statusScreen(screens, screens.startedAtMs));
    },
    why: async (words) => {
      scene.print(await whyScreen(world.controller.screens(), words.join(' ')));
    },
    stuck: async ([name = '']) => {
      const { store, controller, trace } = world;
      const node = (await store.nodes()).find((each) => each.name === name)!;
      const rows = await store.assignmentsOfNode(node.id);
      const stuck = rows.map(
        (row) =>
          `  ${trace.nameOf(row.instanceId)}: ${controller.movement!.blockedBecause(row.instanceId) ?? 'may stay'}`,
      );
      scene.print(stuck.join('\n'));
    },
  };
}

async function show(scene: ScriptScene): Promise<void> {
  const { apps, store, trace, refs, machines } = scene.world;
  for (const app of apps.values()) {
    const releases = (await store.releases(app.id, 100)).map(
      (release) => `v${String(release.version)} ${release.state}`,
    );
    trace.raw(
      `  ${app.name}: ${releases.join(', ')}; ref ${(refs.get(app.id) ?? '- -').split(' ')[1]?.slice(0, 7) ?? '-'}`,
    );
    await showCron(scene, app.id);
  }
  for (const machine of machines.values()) showMachine(scene, machine);
}

async function showCron({ world: { store, trace } }: ScriptScene, appId: AppId): Promise<void> {
  for (const { name, tickMs = 0, command, skipped } of await store.cronRuns(appId, { limit: 100 })) {
    const tick = new Date(tickMs).toISOString().slice(11, 16);
    trace.raw(
      `  cron ${name} of ${tick}: ${command === undefined ? `skipped: ${skipped?.message ?? ''}` : command.state}`,
    );
  }
}

function showMachine({ world: { trace } }: ScriptScene, machine: Machine): void {
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
