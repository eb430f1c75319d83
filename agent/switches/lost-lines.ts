import type { Clock } from '../../shared/kit/clock.ts';
import type { Proxy } from '../proxy/port.ts';

export interface LostLinesDeps {
  readonly proxy: Pick<Proxy, 'lostLogLines'>;
  readonly clock: Clock;
}

/** Lines that the proxy could not write to its log, by process of the proxy. */
export class LostLines {
  readonly #deps: LostLinesDeps;
  #byProcess: ReadonlyMap<string, number> = new Map();
  /** Monotonic. */
  #readAtMs = -Infinity;

  constructor(deps: LostLinesDeps) {
    this.#deps = deps;
  }

  get byProcess(): ReadonlyMap<string, number> {
    return this.#byProcess;
  }

  /** Does nothing when the last reading is younger. A process that has ended keeps its last number. */
  async read(maxAgeMs: number): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#readAtMs < maxAgeMs) return;
    this.#readAtMs = nowMs;
    const now = await this.#deps.proxy.lostLogLines().catch(() => new Map<string, number>());
    this.#byProcess = new Map([...this.#byProcess, ...now]);
  }

  /** Nothing is counted any more. */
  clear(): void {
    this.#byProcess = new Map();
    this.#readAtMs = -Infinity;
  }
}
