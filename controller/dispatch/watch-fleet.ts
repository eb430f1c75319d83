import type { Clock } from '../../shared/kit/clock.ts';

export interface WaitLimits {
  /** Monotonic time. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/**
 * Calls `check` now and after every report of the fleet, until it returns a value. Returns undefined when the time is over. `check` may
 * name the time of its next call. A report that arrives during a check leads to another check.
 */
export async function watchFleet<T>(
  deps: { readonly fleet: { onChange(listener: () => void): () => void }; readonly clock: Clock },
  { untilMs, signal }: WaitLimits,
  check: (checkAgainAt: (atMs: number) => void) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const wakeUp = new AbortController();
    let nextMs = untilMs;
    const stop = deps.fleet.onChange(() => {
      wakeUp.abort();
    });
    try {
      const found = await check((atMs) => {
        nextMs = Math.min(nextMs, atMs);
      });
      const nowMs = deps.clock.monotonicMs();
      if (found !== undefined || nowMs >= untilMs) return found;
      await deps.clock
        .sleep(Math.max(0, nextMs - nowMs), AbortSignal.any([wakeUp.signal, signal]))
        .catch(() => undefined);
    } finally {
      stop();
    }
  }
}
