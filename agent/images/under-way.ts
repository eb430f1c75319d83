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

  /** Resolves when all work with such a key that is under way now has ended. Failed work counts as ended. */
  async settled(isMine: (key: K) => boolean): Promise<void> {
    await Promise.allSettled([...this.#running].filter(([, key]) => isMine(key)).map(([work]) => work));
  }
}
