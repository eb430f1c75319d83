import { nodeActor } from '../../shared/domain/event.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';

const MINUTE_MS = 60_000;

export interface FloodDeps {
  readonly store: Pick<Store, 'addEvent'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Limits the events of one node. The number of stored events is limited, so one node could push out the events of all others. */
export class FloodGuard {
  readonly #perMinute: number;
  readonly #deps: FloodDeps;
  readonly #windows = new Map<string, { readonly sinceMs: number; count: number }>();

  constructor(perMinute: number, deps: FloodDeps) {
    this.#perMinute = perMinute;
    this.#deps = deps;
  }

  /** Counts one event of a node. False: do not record it. The first refusal of a minute writes an event itself. */
  allows(node: string): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const known = this.#windows.get(node);
    const window = known === undefined || nowMs - known.sinceMs > MINUTE_MS ? { sinceMs: nowMs, count: 0 } : known;
    this.#windows.set(node, window);
    window.count += 1;
    if (window.count === this.#perMinute + 1) this.#tell(node);
    return window.count <= this.#perMinute;
  }

  #tell(node: string): void {
    this.#deps.log.warn({ node, perMinute: this.#perMinute }, 'node.flood');
    const message = `Node ${node} reports more than ${String(this.#perMinute)} events a minute. Its other events of this minute are not recorded.`;
    noteEvent(this.#deps, { kind: 'node.flood', actor: nodeActor(node), node, message, next: `slipway why ${node}` });
  }
}
