import type { Clock } from '../../shared/kit/clock.ts';

/** Delays before work that no caller waits for. A delay ends early when a caller starts to wait for the work. */
export class SkippableDelays {
  readonly #clock: Clock;
  readonly #running = new Map<string, AbortController>();
  #disabledCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At most one delay for each key at a time. */
  async delay(key: string, ms: number): Promise<void> {
    if (this.#disabledCount > 0) return;
    const skipped = new AbortController();
    this.#running.set(key, skipped);
    await this.#clock.sleep(ms, skipped.signal).catch(() => undefined);
    this.#running.delete(key);
  }

  skip(key: string): void {
    this.#running.get(key)?.abort();
  }

  /** Skips the running delays, and starts no new ones while the work runs. */
  async runWithoutDelays(work: () => Promise<void>): Promise<void> {
    this.#disabledCount += 1;
    for (const key of this.#running.keys()) this.skip(key);
    await work().finally(() => (this.#disabledCount -= 1));
  }
}
