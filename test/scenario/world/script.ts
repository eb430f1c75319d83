import assert from 'node:assert/strict';
import { Random } from '../../support/random.ts';
import { appCommands } from './app-commands.ts';
import { nodeCommands } from './node-commands.ts';
import { ScriptScene, type Commands } from './script-scene.ts';
import { withoutMilliseconds } from './script-words.ts';
import { showCommands } from './show-commands.ts';
import { World } from './world.ts';

/**
 * Runs a script of commands against a world and returns all that happened. A line is a command, `#` a comment:
 *   node NAME [MB] [LABEL=VALUE…] a machine with an agent that joins
 *   push APP TYPE=BEHAVIOUR, …    waits until the push returns; `push&` does not wait. The same holds for every command of an app
 *                                 predeploy, setup and postdeploy are scripts of app.json: scripts.dokku.predeploy, scripts.postdeploy,
 *                                 scripts.dokku.postdeploy
 *   config APP NAME=VALUE         waits until the change is rolled out
 *   rollback APP [vN]             the command of its owner
 *   scale APP TYPE=N              changes only the database
 *   ps:scale APP TYPE=N|all|+N…   the command of an operator; also: ps:restart APP [WHAT], ps:limits APP TYPE MB,
 *                                 ps:stop APP [TYPE], ps:start APP [TYPE]
 *   maintenance APP on|off
 *   deploy APP                    prints deploy:status; abort APP
 *   rename APP NAME               the command of its owner; lock APP [WHY] locks or unlocks deploys
 *   destroy APP                   the command of its owner
 *   cron APP NAME SCHEDULE BEHAVIOUR   the next pushes have this entry; the schedule has `_` for each space
 *   may-pause APP                 the app may lose its last instance from now on
 *   checks APP TYPE startup|readiness|liveness…  the next release has these health checks
 *   unwell | well KIND web.1 of APP vN, unwell | well KIND on NODE   that check fails; passes again
 *   placement APP TYPE FIELD=VALUE…  require.LABEL, spread, onFull
 *   run 5s                        lets time pass
 *   crash web.1 of APP vN         ends that process
 *   kill | start agent NAME       kill -9, and a new start; also: kill | start controller
 *   kill-at POINT [NODE]          kill -9 of the controller, or of the agent of NODE, when it passes this failpoint
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
  readonly #scene: ScriptScene;
  readonly #commands: Commands;

  private constructor(world: World) {
    this.#scene = new ScriptScene(world);
    this.#commands = { ...appCommands(this.#scene), ...nodeCommands(this.#scene), ...showCommands(this.#scene) };
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
    await script.#scene.wait(world.controller.start());
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
}
