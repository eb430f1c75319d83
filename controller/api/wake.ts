/** A signal that stays set until somebody waits for it. Several calls before that count as one. */
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

  /** Resolves at the next call of `wake`, or when the signal aborts. */
  async wait(): Promise<void> {
    if (!this.#news && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#news = false;
  }
}
