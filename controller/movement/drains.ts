import type { AppId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { noteEvent } from '../store/note-event.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';

export interface DrainsDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ends drains: when the node is empty, or at the deadline. The node stays cordoned. */
export class Drains {
  readonly #deps: DrainsDeps;

  constructor(deps: DrainsDeps) {
    this.#deps = deps;
  }

  /** @returns apps with instances on draining nodes */
  async check(): Promise<readonly AppId[]> {
    const { fleet, store } = this.#deps;
    if (!fleet.nodes().some((node) => node.draining)) return [];
    const apps = new Set<AppId>();
    for (const node of await store.nodes()) {
      if (node.drainUntilMs === undefined) continue;
      const rows = await store.assignmentsOfNode(node.id);
      if (rows.length === 0)
        await this.#end(
          node,
          'node.drained',
          `${node.name} is drained: no instance runs on it. The node stays cordoned.`,
        );
      else if (this.#deps.clock.nowMs() >= node.drainUntilMs)
        await this.#end(node, 'node.drain-ended', leftMessage(node, rows.length));
      for (const row of rows) apps.add(row.appId);
    }
    return [...apps];
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

function leftMessage(node: NodeRow, count: number): string {
  const left = count === 1 ? '1 instance still runs' : `${String(count)} instances still run`;
  return `The deadline of the drain of ${node.name} has passed: ${left} there. The node stays cordoned.`;
}
