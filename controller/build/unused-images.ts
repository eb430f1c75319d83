import type { Digest } from '../../shared/domain/ids.ts';
import type { Store } from '../store/port.ts';
import type { ImageStore } from './port.ts';

export interface UnusedImagesDeps {
  readonly store: Pick<Store, 'imagesInUse'>;
  readonly images: Pick<ImageStore, 'list' | 'removeNow'>;
}

/**
 * Removes images that no release uses. A builder does not upload an image that the controller has, and the release is written later. So
 * images are removed only while no deploy runs.
 */
export class UnusedImages {
  readonly #deps: UnusedImagesDeps;
  #running = 0;
  /** The number of deploys that have begun since the start. */
  #begun = 0;
  #wanted = false;

  constructor(deps: UnusedImagesDeps) {
    this.#deps = deps;
  }

  /** Runs a deploy, from before its build until its release is written or the deploy has failed. */
  async during<T>(deploy: () => Promise<T>): Promise<T> {
    this.#running += 1;
    this.#begun += 1;
    try {
      return await deploy();
    } finally {
      this.#running -= 1;
      if (this.#wanted) await this.remove().catch(() => undefined); // the next removal tries again
    }
  }

  /** Removes unused images now, or after the last running deploy. */
  async remove(): Promise<void> {
    this.#wanted = true;
    while (this.#wanted && this.#running === 0) {
      const begun = this.#begun;
      const inUse = await this.#deps.store.imagesInUse();
      const unused = (await this.#deps.images.list()).filter((digest: Digest) => !inUse.has(digest));
      if (begun !== this.#begun) continue;
      this.#deps.images.removeNow(unused);
      this.#wanted = false;
    }
  }
}
