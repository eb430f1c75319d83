import type { LogLine } from '../../shared/domain/log-line.ts';

/** What one reader may cost: an app that prints long lines, or a node that makes them up, must not take the controller's memory. */
export const MAX_BUFFERED_CHARS = 16 * 1024 * 1024;

/**
 * Lines between the agents and one reader. Bounded: a reader that is slower than the app loses the oldest lines and is
 * told how many, so that neither the app, nor its node, nor other readers wait.
 */
export class LineBuffer {
  readonly #max: number;
  #lines: LogLine[] = [];
  #chars = 0;
  #dropped = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(max: number) {
    this.#max = max;
  }

  push(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#chars += line.message.length;
    }
    let excess = Math.max(0, this.#lines.length - this.#max);
    for (let at = 0; at < excess; at += 1) this.#chars -= this.#lines[at]?.message.length ?? 0;
    for (; this.#chars > MAX_BUFFERED_CHARS; excess += 1) this.#chars -= this.#lines[excess]?.message.length ?? 0;
    this.#lines.splice(0, excess);
    this.#dropped += excess;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What is there, without waiting. */
  takeNow(): TakenLines {
    const taken = { lines: this.#lines, dropped: this.#dropped };
    this.#lines = [];
    this.#chars = 0;
    this.#dropped = 0;
    return taken;
  }

  /** What has come since the last call, waiting for the first; `undefined` at the end. */
  async take(): Promise<TakenLines | undefined> {
    while (this.#lines.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#lines.length === 0 ? undefined : this.takeNow();
  }
}

export interface TakenLines {
  readonly lines: readonly LogLine[];
  /** Of older ones, how many are missing. */
  readonly dropped: number;
}

/** Oldest first; lines of one moment keep the order they came in. The last `count`. */
export function lastLines(lines: readonly LogLine[], count: number): readonly LogLine[] {
  const sorted = lines.toSorted((a, b) => a.atMs - b.atMs);
  return count === 0 ? [] : sorted.slice(-count);
}
