import type { LogLine } from '../../shared/domain/log-line.ts';

/**
 * Lines between the agents and one reader. Bounded: a reader that is slower than the app loses the oldest lines and is
 * told how many, so that neither the app, nor its node, nor other readers wait.
 */
export class LineBuffer {
  readonly #max: number;
  #lines: LogLine[] = [];
  #dropped = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(max: number) {
    this.#max = max;
  }

  push(lines: readonly LogLine[]): void {
    this.#lines.push(...lines);
    const excess = this.#lines.length - this.#max;
    if (excess > 0) {
      this.#lines.splice(0, excess);
      this.#dropped += excess;
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What is there, without waiting. */
  takeNow(): readonly LogLine[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** What has come since the last call, waiting for the first; `undefined` at the end. */
  async take(): Promise<{ readonly lines: readonly LogLine[]; readonly dropped: number } | undefined> {
    while (this.#lines.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#lines.length === 0) return undefined;
    const taken = { lines: this.#lines, dropped: this.#dropped };
    this.#lines = [];
    this.#dropped = 0;
    return taken;
  }
}

/** Oldest first; lines of one moment keep the order they came in. The last `count`. */
export function lastLines(lines: readonly LogLine[], count: number): readonly LogLine[] {
  const sorted = lines.toSorted((a, b) => a.atMs - b.atMs);
  return count === 0 ? [] : sorted.slice(-count);
}
