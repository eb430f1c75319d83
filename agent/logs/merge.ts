/**
 * Many producers, one consumer. A producer waits until its item is taken, so a slow consumer never causes a queue. Producers can be added at
 * any time. The stream ends with the signal.
 */
export class Merge<T> {
  readonly #waiting: { readonly item: T; readonly taken: () => void }[] = [];
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** Adds the items of a source until its end. When the source fails, the stream ends with its error. */
  async pump(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of source) {
        if (this.#signal.aborted) return;
        await this.#offer(item);
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake?.();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#signal.aborted) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        try {
          yield next.item;
        } finally {
          next.taken(); // also when the consumer stops, so that the producer does not wait for ever
        }
      } else if (this.#failure !== undefined) throw this.#failure.error;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #offer(item: T): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ item, taken: resolve });
      if (this.#signal.aborted) this.#end();
      this.#wake?.();
    });
  }

  #end(): void {
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#wake?.();
  }
}
