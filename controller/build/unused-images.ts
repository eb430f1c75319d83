import type { Digest } from '../../shared/domain/ids.ts';
import type { Store } from '../store/port.ts';
import type { ImageStore } from './port.ts';

export interface UnusedImagesDeps {
  readonly store: Pick<Store, 'imagesInUse'>;
  readonly images: Pick<ImageStore, 'list' | 'removeNow'>;
}

/**
 * Removes images that no release has. A builder does not send an image that the controller has already, and its release is written later: so
 * images are removed only while no deploy is under way.
 */
export class UnusedImages {
  readonly #deps: UnusedImagesDeps;
  #running = 0;
  /** Deploys that have begun, ever. */
  #begun = 0;
  #wanted = false;

  constructor(deps: UnusedImagesDeps) {
    this.#deps = deps;
  }

  /** A deploy, from before its build until its release is written or it has failed. */
  async during<T>(deploy: () => Promise<T>): Promise<T> {
    this.#running += 1;
    this.#begun += 1;
    try {
      return await deploy();
    } finally {
      this.#running -= 1;
      if (this.#wanted) await this.remove().catch(() => undefined); // the next one tries again
    }
  }

  /** Now, or after the last deploy that is under way. */
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
