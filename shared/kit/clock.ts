import { setTimeout as delay } from 'node:timers/promises';

/** Time as a dependency: the only source of it outside the composition roots. */
export interface Clock {
  /** Wall clock, ms since the epoch. Use it for records and for times that people read, never for durations. */
  nowMs(): number;
  /** Monotonic clock, ms. Use it for durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A longer timer of Node fires at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms: number, signal?: AbortSignal) => {
    const options = signal === undefined ? {} : { signal };
    let leftMs = ms;
    for (; leftMs > TIMER_MAX_MS; leftMs -= TIMER_MAX_MS) await delay(TIMER_MAX_MS, undefined, options);
    await delay(leftMs, undefined, options);
  },
});
