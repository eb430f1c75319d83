import { CHECKS, CONNECT_MS, REACH, reachName } from './render-mesh.ts';
import type { ObservedServer } from './observed.ts';
import type { Runtime } from './runtime.ts';
import { peerPoolName, peerServers, type SlotTable } from './slot-table.ts';

/** A request that could not connect has moved to another peer by then. HAProxy counts whole seconds. */
export const SETTLED_MS = CONNECT_MS + 2_000;

/**
 * Aborts the requests that wait for a peer on an unreachable machine. HAProxy would keep them until the response time limit, because it
 * accepts no TCP user timeout for a server that is added at run time. Its `on-marked-down` would also abort requests that still connect.
 * A peer on a reachable machine is only busy and may still answer.
 */
export class StalledRequests {
  readonly #runtime: Pick<Runtime, 'servers' | 'cut'>;
  /** Peers that are down and whose requests were aborted. A peer that is down gets no new requests. */
  #aborted: ReadonlySet<string> = new Set();

  constructor(runtime: Pick<Runtime, 'servers' | 'cut'>) {
    this.#runtime = runtime;
  }

  async abort({ pools }: Pick<SlotTable, 'pools'>): Promise<void> {
    const isDown = ({ downForMs = 0 }: ObservedServer): boolean => downForMs >= SETTLED_MS;
    const found = [...(await this.#runtime.servers(CHECKS)), ...(await this.#runtime.servers(REACH))].filter(isDown);
    const names = new Set(found.map(({ name }) => name));
    // Only a peer with two failed checks gets no new requests.
    const down = new Set([...names].filter((name) => names.has(reachName(name))));
    for (const pool of pools) {
      for (const { name, peer } of peerServers(pool)) {
        if (down.has(peer.nodeId) && !this.#aborted.has(peer.nodeId))
          await this.#runtime.cut(`${peerPoolName(pool.number)}/${name}`);
      }
    }
    this.#aborted = down;
  }
}
