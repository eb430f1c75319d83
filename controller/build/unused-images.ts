import type { Digest } from '../../shared/domain/ids.ts';
import type { Store } from '../store/port.ts';
import type { ImageStore } from './port.ts';

export interface UnusedImagesDeps {
  readonly store: Pick<Store, 'imagesInUse'>;
  readonly images: Pick<ImageStore, 'list' | 'sizeBytes' | 'removeNow'>;
}

export interface UnusedImage {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * Removes images that no release uses, also while deploys run. A release is stored after its images: a builder does not upload an image that
 * the controller has, and a rollback finds the images of a former release. So each image that such work asks for or stores is noted, and
 * stays until the work has ended.
 */
export class UnusedImages {
  readonly #deps: UnusedImagesDeps;
  /** Counts the starts of work and the notes. */
  #count = 0;
  readonly #running = new Set<{ readonly begunAt: number }>();
  readonly #notedAt = new Map<Digest, number>();

  constructor(deps: UnusedImagesDeps) {
    this.#deps = deps;
  }

  /** Runs work that makes a release, from before it looks for its first image until the release is stored or the work has failed. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const running = { begunAt: ++this.#count };
    this.#running.add(running);
    try {
      return await work();
    } finally {
      this.#running.delete(running);
    }
  }

  /** Call before you look whether the image is there, and before you store it. */
  note(digest: Digest): void {
    this.#notedAt.set(digest, ++this.#count);
  }

  /** Images that no release uses, and that no running work may use. @param inUse default: the images of all releases that have a slug */
  async find(inUse?: ReadonlySet<Digest>): Promise<readonly UnusedImage[]> {
    const { since, unused } = await this.#candidates(inUse);
    return unused.filter(({ digest }) => !this.#isNoted(digest, since));
  }

  /** Removes unused images. @returns the removed ones */
  async remove(): Promise<readonly UnusedImage[]> {
    const { since, unused } = await this.#candidates();
    // From here to the removal nothing else runs, so no note comes too late.
    const removed = unused.filter(({ digest }) => !this.#isNoted(digest, since));
    this.#deps.images.removeNow(removed.map(({ digest }) => digest));
    for (const [digest, notedAt] of this.#notedAt) if (notedAt <= since) this.#notedAt.delete(digest);
    return removed;
  }

  /** Work that ends after `since` may have stored its release too late for this look at the database. */
  async #candidates(
    known?: ReadonlySet<Digest>,
  ): Promise<{ readonly since: number; readonly unused: readonly UnusedImage[] }> {
    const { store, images } = this.#deps;
    const since = Math.min(this.#count, ...[...this.#running].map(({ begunAt }) => begunAt));
    const inUse = known ?? (await store.imagesInUse());
    const unused: UnusedImage[] = [];
    for (const digest of await images.list()) {
      if (inUse.has(digest)) continue;
      unused.push({ digest, sizeBytes: (await images.sizeBytes(digest)) ?? 0 });
    }
    return { since, unused };
  }

  #isNoted(digest: Digest, since: number): boolean {
    return (this.#notedAt.get(digest) ?? 0) > since;
  }
}
