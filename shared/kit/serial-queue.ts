/** Runs work one after the other, in the order of the calls. A failure does not stop the work behind it. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  add<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when the work added so far has ended. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
