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

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms: number, signal?: AbortSignal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
});
