import type { AppId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { CommandRunner } from '../dispatch/commands.ts';
import type { Fleet } from '../dispatch/port.ts';
import { noteEvent } from '../store/note-event.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';

export interface DrainsDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly commands: Pick<CommandRunner, 'cancel'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** From the deadline to the end of the drain, at most. Commands get SIGTERM at the deadline, and SIGKILL 30 s later. */
const STOP_MS = 60_000;

/**
 * Ends drains: when the node is empty, or at the deadline. Then instances that could not move keep running, and one-off commands are stopped.
 * The node stays cordoned.
 */
export class Drains {
  readonly #deps: DrainsDeps;

  constructor(deps: DrainsDeps) {
    this.#deps = deps;
  }

  /** @returns apps with instances on draining nodes */
  async check(): Promise<readonly AppId[]> {
    const { fleet, store, clock } = this.#deps;
    if (!fleet.nodes().some((node) => node.draining)) return [];
    const apps = new Set<AppId>();
    const running = Map.groupBy(await store.unfinishedCommands(), ({ nodeId }) => nodeId);
    for (const node of await store.nodes()) {
      if (node.drainUntilMs === undefined) continue;
      const [rows, commands] = [await store.assignmentsOfNode(node.id), running.get(node.id) ?? []];
      await this.#step(node, { instances: rows.length, commands, lateMs: clock.nowMs() - node.drainUntilMs });
      for (const row of rows) apps.add(row.appId);
    }
    return [...apps];
  }

  async #step(
    node: NodeRow,
    left: { readonly instances: number; readonly commands: readonly CommandRow[]; readonly lateMs: number },
  ): Promise<void> {
    const { instances, commands, lateMs } = left;
    if (instances === 0 && commands.length === 0)
      await this.#end(node, 'node.drained', `${node.name} is drained: nothing runs on it. The node stays cordoned.`);
    else if (lateMs >= 0 && (commands.length === 0 || lateMs >= STOP_MS))
      await this.#end(node, 'node.drain-ended', leftMessage(node, instances, commands.length));
    else if (lateMs >= 0) await this.#stop(node, commands);
  }

  async #stop(node: NodeRow, commands: readonly CommandRow[]): Promise<void> {
    for (const { id, app, process, cancelled } of commands) {
      if (cancelled) continue;
      await this.#deps.commands.cancel(id, node.name);
      const message = `${process} is stopped, because the deadline of the drain of ${node.name} has passed.`;
      const next = `slipway logs -a ${app} -p ${process}`;
      noteEvent(this.#deps, {
        ...{ kind: 'command.drained', actor: 'controller', app, node: node.name, instance: process, message, next },
      });
    }
  }

  async #end(node: NodeRow, kind: 'node.drained' | 'node.drain-ended', message: string): Promise<void> {
    const { fleet, store, log } = this.#deps;
    fleet.nodeChanged(await store.changeNode(node.id, { drainUntilMs: null }));
    log.info({ node: node.name }, kind === 'node.drained' ? kind : 'node.drain_ended');
    noteEvent(this.#deps, {
      kind,
      actor: 'controller',
      node: node.name,
      message,
      next: `slipway nodes:info ${node.name}`,
    });
  }
}

function leftMessage(node: NodeRow, instances: number, commands: number): string {
  const parts = [...count(instances, 'instance'), ...count(commands, 'one-off command')];
  const verb = instances + commands === 1 ? 'runs' : 'run';
  return `The deadline of the drain of ${node.name} has passed: ${parts.join(' and ')} still ${verb} there. The node stays cordoned.`;
}

function count(number: number, what: string): readonly string[] {
  if (number === 0) return [];
  return [number === 1 ? `1 ${what}` : `${String(number)} ${what}s`];
}
