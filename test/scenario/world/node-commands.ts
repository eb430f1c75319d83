import type { Movement } from '../../../controller/movement/port.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import type { Command, Commands, ScriptScene } from './script-scene.ts';
import { millisecondsOf, pairsOf } from './script-words.ts';

/** The commands of a script on machines and their programs. */
export function nodeCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  return {
    node: async ([name = '', megabytes = '8000', ...labels]) => {
      (await world.addMachine(name, Number(megabytes) * 1e6, Object.fromEntries(pairsOf(labels)))).startAgent();
      await world.clock.advance(1000);
    },
    run: ([time = '0s']) => world.clock.advance(millisecondsOf(time)),
    crash: (words) => {
      for (const { machine, id } of scene.named(words.join(' '))) machine.sandbox.crash(id, { code: 1 });
    },
    kill: ([what = '', name = '']) => {
      if (what === 'controller') world.controller.kill();
      else scene.machine(name).killAgent();
    },
    'kill-at': ([point = '', machine]) => {
      if (machine === undefined) world.controller.killAt(point);
      else scene.machine(machine).killAt(point);
    },
    start: async ([what = '', name = '']) => {
      if (what === 'controller') await scene.wait(world.controller.start());
      else scene.machine(name).startAgent();
    },
    stop: ([, name = '']) => {
      scene.machine(name).crashProxy();
    },
    unwell: ([kind = '', ...where]) => {
      setUnwell(scene, { kind, where, isUnwell: true });
    },
    well: ([kind = '', ...where]) => {
      setUnwell(scene, { kind, where, isUnwell: false });
    },
    ...networkCommands(scene),
    ...movementCommands(scene),
  };
}

function networkCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  return {
    cut: ([name = '']) => {
      scene.machine(name).cutSession();
    },
    partition: ([name = '']) => {
      world.partitioned.add(name);
      scene.machine(name).cutSession();
    },
    silence: ([name = '']) => {
      world.partitioned.add(name);
      scene.machine(name).muteSession();
    },
    heal: ([name = '']) => void world.partitioned.delete(name),
    power: ([way = '', name = '']) =>
      way === 'on' ? scene.machine(name).startAgent() : scene.machine(name).powerOff(),
  };
}

function movementCommands(scene: ScriptScene): Commands {
  const { world } = scene;
  const asked = (
    act: (admin: Movement['nodes'], node: NodeRow, rest: readonly string[]) => Promise<unknown>,
  ): Command => {
    return async ([name = '', ...rest]) => {
      const node = (await world.store.nodes()).find((each) => each.name === name)!;
      const work = act(world.controller.movement!.nodes, node, rest).catch((error: unknown) => {
        world.trace.say('admin', String(error));
      });
      await scene.wait(work);
    };
  };
  return {
    cordon: asked((admin, node) => admin.cordon(node, 'ada')),
    uncordon: asked((admin, node) => admin.uncordon(node, 'ada')),
    drain: asked((admin, node, [time = '600s']) => admin.drain(node, parseFloat(time) * 1000, 'ada')),
    remove: asked((admin, node, rest) => admin.remove(node, rest.includes('--force'), 'ada')),
    rebalance: async () => {
      await scene.wait(world.controller.movement!.rebalance.start('ada'));
    },
  };
}

function setUnwell(
  scene: ScriptScene,
  { kind, where, isUnwell }: { readonly kind: string; readonly where: readonly string[]; readonly isUnwell: boolean },
): void {
  const [first = '', second = ''] = where;
  const targets =
    first === 'on'
      ? [{ machine: scene.machine(second), key: kind }]
      : scene.named(where.join(' ')).map(({ machine, id }) => ({ machine, key: `${kind} ${id}` }));
  for (const { machine, key } of targets) {
    if (isUnwell) machine.unwell.add(key);
    else machine.unwell.delete(key);
  }
}
