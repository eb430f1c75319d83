import type { StatusBody } from '../../shared/api/observe.ts';
import type { ApiDeps } from './deps.ts';
import { Wake } from './wake.ts';

/** The shortest time between two statuses. */
const QUIET_MS = 500;
/** The status of a large fleet takes long to read. The pause leaves most of the time for other work. */
const QUIET_FACTOR = 4;
const QUIET_MAX_MS = 60_000;
/** Load, memory and elapsed times change without a report. */
const TICK_MS = 5_000;

/** The current status, and a new one after each change. */
export async function* followStatus(
  { store, fleet, clock }: ApiDeps,
  read: () => Promise<StatusBody>,
  signal: AbortSignal,
): AsyncGenerator<StatusBody> {
  const wake = new Wake(signal);
  const stops = [fleet.onChange(() => wake.wake()), store.onEvents(() => wake.wake())];
  try {
    while (!signal.aborted) {
      const startedAtMs = clock.monotonicMs();
      const status = await read();
      const tookMs = clock.monotonicMs() - startedAtMs; // without the time of a slow client
      yield status;
      const tick = new AbortController();
      void clock.sleep(TICK_MS, AbortSignal.any([signal, tick.signal])).then(
        () => wake.wake(),
        () => undefined,
      );
      await wake.wait();
      tick.abort();
      await clock
        .sleep(Math.min(QUIET_MAX_MS, Math.max(QUIET_MS, tookMs * QUIET_FACTOR)), signal)
        .catch(() => undefined);
    }
  } finally {
    for (const stop of stops) stop();
  }
}
