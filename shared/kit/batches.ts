interface Waiting<T, R> {
  readonly item: T;
  readonly answer: PromiseWithResolvers<R>;
}

/**
 * For work that costs nearly the same for many items as for one. Items that arrive during a batch form the next batch, so many items
 * need only a few batches, and a single item does not wait.
 */
export class Batches<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #most: number;
  #waiting: Waiting<T, R>[] = [];
  #busy = false;

  /** @param work returns one answer for each item, in the same order. Its failure is the failure of all items. */
  constructor(most: number, work: (items: readonly T[]) => Promise<readonly R[]>) {
    this.#most = most;
    this.#work = work;
  }

  add(item: T): Promise<R> {
    const answer = Promise.withResolvers<R>();
    this.#waiting.push({ item, answer });
    void this.#run();
    return answer.promise;
  }

  async #run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    await Promise.resolve(); // so that calls of the same tick share a batch
    while (this.#waiting.length > 0) await this.#turn(this.#waiting.splice(0, this.#most));
    this.#busy = false;
  }

  async #turn(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await this.#work(batch.map(({ item }) => item));
      // one answer for each item
      for (const [index, { answer }] of batch.entries()) answer.resolve(answers[index] as R);
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
  }
}
