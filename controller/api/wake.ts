/** Level, not edge: news that came while nobody waited is not lost, and many are one. */
export class Wake {
  readonly #signal: AbortSignal;
  #news = false;
  #resolve: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#resolve?.(), { once: true });
  }

  wake(): void {
    this.#news = true;
    this.#resolve?.();
  }

  /** Until there is news, or the signal has aborted. */
  async wait(): Promise<void> {
    if (!this.#news && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#news = false;
  }
}
