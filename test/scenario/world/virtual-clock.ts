import type { Clock } from '../../../shared/kit/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

const BIRTH_MS = Date.UTC(2026, 0, 1);
/** More timers than this at one moment mean an endless loop. */
const MAX_AT_ONCE = 20_000;

/** A clock that advances only on request, from timer to timer. Minutes of a fleet take milliseconds, and every run is the same. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #timers: Timer[] = [];
  #atOnce = 0;

  nowMs(): number {
    return BIRTH_MS + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const cancel = (): void => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
        reject(signal?.reason as Error);
      };
      const fire = (): void => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      const timer = { atMs: this.#nowMs + Math.max(0, Math.ceil(ms)), fire };
      this.#insert(timer);
      signal?.addEventListener('abort', cancel);
    });
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    while (await this.#step(untilMs));
    this.#nowMs = untilMs;
  }

  /** Lets time pass until `done`. Throws when that takes longer than `limitMs`. */
  async until(done: () => boolean, limitMs: number): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    for (;;) {
      await settle();
      if (done()) return;
      if (!(await this.#step(untilMs))) throw new Error(`not within ${String(limitMs)} virtual ms`);
    }
  }

  /** The next timer, if it is due by then. */
  async #step(untilMs: number): Promise<boolean> {
    await settle();
    const next = this.#timers[0];
    if (next === undefined || next.atMs > untilMs) return false;
    this.#timers.shift();
    this.#atOnce = next.atMs > this.#nowMs ? 0 : this.#atOnce + 1;
    if (this.#atOnce > MAX_AT_ONCE) throw new Error(`something spins at ${String(this.#nowMs)} ms`);
    this.#nowMs = next.atMs;
    next.fire();
    return true;
  }

  /** After the other timers of the same moment. */
  #insert(timer: Timer): void {
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1]?.atMs ?? 0) > timer.atMs) at -= 1;
    this.#timers.splice(at, 0, timer);
  }
}

/** Waits until only timers are left: all promises have run, and the work that they deferred to the next tick too. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
