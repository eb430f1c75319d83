import { CHECKS, CONNECT_MS } from './render-mesh.ts';
import type { Runtime } from './runtime.ts';
import { farName, farServerName, type SlotTable } from './slot-table.ts';

/** After this time a request that was only connecting has moved to another peer, so it is not ended here. HAProxy counts whole seconds. */
export const SETTLED_MS = CONNECT_MS + 2_000;

/**
 * Ends the requests that still wait for a peer which counts as down. HAProxy would let them wait for the time limit of an answer, because it
 * accepts no TCP user timeout for a server that is added at run time. Its `on-marked-down` would also end requests that still connect.
 */
export class CutLinks {
  readonly #runtime: Pick<Runtime, 'servers' | 'cut'>;
  /** Peers that are down and whose requests were ended. A peer that is down gets no new requests. */
  #ended: ReadonlySet<string> = new Set();

  constructor(runtime: Pick<Runtime, 'servers' | 'cut'>) {
    this.#runtime = runtime;
  }

  async end({ pools }: Pick<SlotTable, 'pools'>): Promise<void> {
    const checked = await this.#runtime.servers(CHECKS);
    const down = new Set(checked.filter(({ downForMs = 0 }) => downForMs >= SETTLED_MS).map(({ name }) => name));
    for (const { number, peers } of pools) {
      for (const { nodeId } of peers) {
        if (down.has(nodeId) && !this.#ended.has(nodeId)) await this.#runtime.cut(`${farName(number)}/${farServerName(number, nodeId)}`);
      }
    }
    this.#ended = down;
  }
}
