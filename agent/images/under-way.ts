/** Which work is under way, by key. */
export class UnderWay<K> {
  readonly #running = new Map<Promise<unknown>, K>();

  async during<T>(key: K, work: Promise<T>): Promise<T> {
    this.#running.set(work, key);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Resolves when none of the work that is under way now with such a key is under way any more, also when it failed. */
  async settled(isMine: (key: K) => boolean): Promise<void> {
    await Promise.allSettled([...this.#running].filter(([, key]) => isMine(key)).map(([work]) => work));
  }
}
