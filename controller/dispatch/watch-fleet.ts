import type { Clock } from '../../shared/kit/clock.ts';
import type { Fleet } from './port.ts';

export interface Patience {
  /** Monotonic. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks, and again after every report of the fleet, until `look` finds something or time is up (then undefined).
 * `look` may name the moment of its next look; what is reported while it looks is not missed.
 */
export async function watchFleet<T>(
  deps: { readonly fleet: Pick<Fleet, 'onChange'>; readonly clock: Clock },
  { untilMs, signal }: Patience,
  look: (lookAgainAt: (atMs: number) => void) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const wakeUp = new AbortController();
    let nextMs = untilMs;
    const stop = deps.fleet.onChange(() => {
      wakeUp.abort();
    });
    try {
      const found = await look((atMs) => {
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
