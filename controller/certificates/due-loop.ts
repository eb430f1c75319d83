import type { Clock } from '../../shared/kit/clock.ts';

/** A jump of the wall clock is noticed after this time at the latest. */
const SLEEP_MAX_MS = 60_000;
/** The pause after a look that failed. */
const RETRY_MS = 15_000;

export interface DueLoopDeps {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Looks for due work and starts it. @returns ms until the next look */
  readonly look: (signal: AbortSignal) => Promise<number>;
  readonly onFailure: (error: unknown) => void;
}

/** Looks for due work with one timer, and at once after {@link changed}. Several changes during a look cause one more look. */
export class DueLoop {
  readonly #deps: DueLoopDeps;
  #wake = new AbortController();

  constructor(deps: DueLoopDeps) {
    this.#deps = deps;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, look, onFailure } = this.#deps;
    while (!signal.aborted) {
      const pauseMs = await look(signal).catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
        return RETRY_MS;
      });
      const either = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(Math.min(pauseMs, SLEEP_MAX_MS), either).catch(() => undefined);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  changed(): void {
    this.#wake.abort();
  }
}
