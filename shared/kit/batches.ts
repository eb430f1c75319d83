interface Waiting<T, R> {
  readonly item: T;
  readonly answer: PromiseWithResolvers<R>;
}

/**
 * Work that costs nearly the same for many items as for one. What comes while a batch is being worked on is the next batch, so a
 * crowd costs a few turns and who comes alone waits for nobody.
 */
export class Batches<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #most: number;
  #waiting: Waiting<T, R>[] = [];
  #busy = false;

  /** @param work one answer an item, in the same order; when it fails, it has failed for all of them */
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
    await Promise.resolve(); // what comes in the same breath goes together
    while (this.#waiting.length > 0) await this.#turn(this.#waiting.splice(0, this.#most));
    this.#busy = false;
  }

  async #turn(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await this.#work(batch.map(({ item }) => item));
      // one answer an item
      for (const [index, { answer }] of batch.entries()) answer.resolve(answers[index] as R);
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
  }
}
