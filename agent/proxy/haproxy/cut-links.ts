import { CHECKS, CONNECT_MS, REACH, reachName } from './render-mesh.ts';
import type { ObservedServer } from './observed.ts';
import type { Runtime } from './runtime.ts';
import { farName, farServers, type SlotTable } from './slot-table.ts';

/** After this time a request that was only connecting has moved to another peer, so it is not ended here. HAProxy counts whole seconds. */
export const SETTLED_MS = CONNECT_MS + 2_000;

/**
 * Ends the requests that still wait for a peer whose machine cannot be reached. HAProxy would let them wait for the time limit of an answer,
 * because it accepts no TCP user timeout for a server that is added at run time. Its `on-marked-down` would also end requests that still
 * connect. A peer whose machine can be reached is only busy, and may answer yet.
 */
export class CutLinks {
  readonly #runtime: Pick<Runtime, 'servers' | 'cut'>;
  /** Peers that are down and whose requests were ended. A peer that is down gets no new requests. */
  #ended: ReadonlySet<string> = new Set();

  constructor(runtime: Pick<Runtime, 'servers' | 'cut'>) {
    this.#runtime = runtime;
  }

  async end({ pools }: Pick<SlotTable, 'pools'>): Promise<void> {
    const isDown = ({ downForMs = 0 }: ObservedServer): boolean => downForMs >= SETTLED_MS;
    const found = [...(await this.#runtime.servers(CHECKS)), ...(await this.#runtime.servers(REACH))].filter(isDown);
    const names = new Set(found.map(({ name }) => name));
    // It gets no new requests when both checks fail.
    const down = new Set([...names].filter((name) => names.has(reachName(name))));
    for (const pool of pools) {
      for (const { name, peer } of farServers(pool)) {
        if (down.has(peer.nodeId) && !this.#ended.has(peer.nodeId))
          await this.#runtime.cut(`${farName(pool.number)}/${name}`);
      }
    }
    this.#ended = down;
  }
}
