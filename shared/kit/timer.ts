import type { Clock } from './clock.ts';

/** Calls `action` once after `ms` of the given clock. Returns a function that cancels it. */
export function callAfter(clock: Clock, ms: number, action: () => void): () => void {
  const off = new AbortController();
  clock.sleep(ms, off.signal).then(
    () => {
      if (!off.signal.aborted) action();
    },
    () => undefined,
  );
  return () => {
    off.abort();
  };
}

/** The timers of one owner. After `close`, none of them fires, and no other one begins. */
export class Timers {
  readonly #clock: Clock;
  readonly #running = new Set<() => void>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** See {@link callAfter}. */
  callAfter(ms: number, action: () => void): () => void {
    if (this.#isClosed) return () => undefined;
    const cancel = callAfter(this.#clock, ms, () => {
      this.#running.delete(stop);
      action();
    });
    const stop = (): void => {
      this.#running.delete(stop);
      cancel();
    };
    this.#running.add(stop);
    return stop;
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#running) stop();
  }
}
