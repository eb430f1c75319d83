/**
 * Many producers, one consumer: a producer waits until its item has been taken, so nothing piles up however slow the
 * consumer is. Producers may be added at any time; the stream ends with the signal.
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

  /** Feeds the stream until the source is exhausted. A source that fails ends the stream with its error. */
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
          next.taken(); // also when the consumer leaves: its producer must not wait for ever
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
