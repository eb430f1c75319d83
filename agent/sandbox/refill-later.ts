import type { Limits } from '../../shared/domain/assignment.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { POOL_SIZES_MAX, type Disks } from './files/disks.ts';
import type { Namespaces } from './network/namespaces.ts';

/** A push prepares a sandbox for the build and one for the app. The time between them is shorter than this. */
const QUIET_MS = 1_500;
/** The limit on a node where sandboxes start all the time. */
const LATEST_MS = 5_000;

export interface RefillParts {
  readonly clock: Clock;
  readonly disks: Pick<Disks, 'refill'>;
  readonly namespaces: Pick<Namespaces, 'refill'>;
}

/** Refills the pools after a pause without new sandboxes, because the refill would slow down a sandbox that starts at the same time. */
export class RefillLater {
  readonly #parts: RefillParts;
  readonly #stopping = new AbortController();
  readonly #sizes = new Map<string, Limits>();
  #lastMs = 0;
  #isWaiting = false;

  constructor(parts: RefillParts) {
    this.#parts = parts;
  }

  /** A sandbox of this size was prepared. */
  note(size: Limits): void {
    const key = `${String(size.diskBytes)} ${String(size.diskInodes)}`;
    this.#sizes.delete(key); // keeps the order of the last use
    this.#sizes.set(key, size);
    this.#lastMs = this.#parts.clock.monotonicMs();
    if (this.#isWaiting || this.#stopping.signal.aborted) return;
    this.#isWaiting = true;
    void this.#wait(this.#lastMs + LATEST_MS).catch(() => undefined); // stopped
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #wait(latestMs: number): Promise<void> {
    for (;;) {
      const leftMs = Math.min(this.#lastMs + QUIET_MS, latestMs) - this.#parts.clock.monotonicMs();
      if (leftMs <= 0) break;
      await this.#parts.clock.sleep(leftMs, this.#stopping.signal);
    }
    this.#isWaiting = false;
    const sizes = [...this.#sizes.values()].slice(-POOL_SIZES_MAX);
    this.#sizes.clear();
    for (const size of sizes) void this.#parts.disks.refill(size);
    void this.#parts.namespaces.refill();
  }
}
