/** The traffic between a client and its git, as the two pipes see it. */
export interface Traffic {
  /** @param blocked git does not read at the moment */
  readonly fromClient: (bytes: number, blocked: boolean) => void;
  /** @param blocked the client does not read at the moment */
  readonly fromGit: (bytes: number, blocked: boolean) => void;
  /** git reads again. */
  readonly gitReads: () => void;
  /** The client reads again. */
  readonly clientReads: () => void;
}

/** While git works without output, it sends a byte or two each 5 s (receive.keepAlive, uploadpack.keepAlive). */
const GIT_IS_SILENT_AFTER_MS = 15_000;

/**
 * Measures how long a turn has waited for the client. While git works (index-pack resolves deltas, pack-objects searches for them, the disk is
 * busy), the client can neither send nor receive, so this time does not count.
 */
export class TurnPace {
  #clientMs = 0;
  #bytes = 0;
  #atMs: number;
  #gitSpokeAtMs = -Infinity;
  #gitIsFull = false;
  #clientIsFull = false;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  fromClient(nowMs: number, bytes: number, blocked: boolean): void {
    this.#settle(nowMs);
    this.#bytes += bytes;
    this.#gitIsFull = blocked;
  }

  fromGit(nowMs: number, bytes: number, blocked: boolean): void {
    this.#settle(nowMs);
    this.#bytes += bytes;
    this.#gitSpokeAtMs = nowMs;
    this.#clientIsFull = blocked;
  }

  gitReads(nowMs: number): void {
    this.#settle(nowMs);
    this.#gitIsFull = false;
  }

  clientReads(nowMs: number): void {
    this.#settle(nowMs);
    this.#clientIsFull = false;
  }

  /** @returns how long the turn waited for its client, and the bytes of both directions */
  total(nowMs: number): { readonly clientMs: number; readonly bytes: number } {
    this.#settle(nowMs);
    return { clientMs: this.#clientMs, bytes: this.#bytes };
  }

  #settle(nowMs: number): void {
    this.#clientMs += this.#clientShareMs(nowMs);
    this.#atMs = nowMs;
  }

  /** The part of the time since the last event in which the turn waited for the client. */
  #clientShareMs(nowMs: number): number {
    if (this.#clientIsFull) return nowMs - this.#atMs;
    if (this.#gitIsFull) return 0;
    return Math.max(0, nowMs - Math.max(this.#atMs, this.#gitSpokeAtMs + GIT_IS_SILENT_AFTER_MS));
  }
}
