import { utimes } from 'node:fs/promises';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';

const TOUCH_EVERY_MS = 30_000;

/** When each image was last used. The mtime of the file keeps the time for the garbage collection after a restart. */
export class LastUse {
  readonly #path: (digest: Digest) => string;
  readonly #clock: Clock;
  readonly #atMs = new Map<Digest, number>();

  constructor(path: (digest: Digest) => string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The last use since the agent started; `otherwise` when there was none. */
  atMs(digest: Digest, otherwise: number): number {
    return this.#atMs.get(digest) ?? otherwise;
  }

  note(digest: Digest): void {
    this.#atMs.set(digest, this.#clock.nowMs());
  }

  /** Also writes the time to the file, at most every 30 s. */
  async touch(digest: Digest): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const beforeMs = this.#atMs.get(digest);
    this.#atMs.set(digest, nowMs);
    if (beforeMs !== undefined && nowMs - beforeMs < TOUCH_EVERY_MS) return;
    await utimes(this.#path(digest), nowMs / 1000, nowMs / 1000).catch(() => undefined); // the mount reports a missing file
  }

  forget(digest: Digest): void {
    this.#atMs.delete(digest);
  }
}
