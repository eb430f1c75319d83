/** Tracks running work by key, so that a caller can wait until it has ended. */
export class RunningWork<K> {
  readonly #running = new Map<Promise<unknown>, K>();

  async track<T>(key: K, work: Promise<T>): Promise<T> {
    this.#running.set(work, key);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Resolves when all work that runs now and whose key matches has ended, also when it failed. */
  async settled(matches: (key: K) => boolean): Promise<void> {
    await Promise.allSettled([...this.#running].filter(([, key]) => matches(key)).map(([work]) => work));
  }
}
