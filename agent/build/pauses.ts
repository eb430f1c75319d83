import type { Clock } from '../../shared/kit/clock.ts';

/** Pauses before work that no caller waits for. A pause ends early when a caller begins to wait for the work. */
export class Pauses {
  readonly #clock: Clock;
  readonly #open = new Map<string, AbortController>();
  #hurried = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At most one pause of each key at a time. */
  async pause(key: string, ms: number): Promise<void> {
    if (this.#hurried > 0) return;
    const early = new AbortController();
    this.#open.set(key, early);
    await this.#clock.sleep(ms, early.signal).catch(() => undefined);
    this.#open.delete(key);
  }

  end(key: string): void {
    this.#open.get(key)?.abort();
  }

  /** No pauses while this work runs. */
  async none(work: () => Promise<void>): Promise<void> {
    this.#hurried += 1;
    for (const key of this.#open.keys()) this.end(key);
    await work().finally(() => (this.#hurried -= 1));
  }
}
