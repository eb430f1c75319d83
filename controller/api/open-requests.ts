/** Counts the open requests of each user. A stream counts until it ends. */
export class OpenRequests {
  readonly #open = new Map<string, number>();

  count(userId: string): number {
    return this.#open.get(userId) ?? 0;
  }

  /** Adds a request, which counts until `signal` aborts. */
  add(userId: string, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#open.set(userId, this.count(userId) + 1);
    signal.addEventListener('abort', () => this.#remove(userId), { once: true });
  }

  #remove(userId: string): void {
    const left = this.count(userId) - 1;
    if (left > 0) this.#open.set(userId, left);
    else this.#open.delete(userId);
  }
}
