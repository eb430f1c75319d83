import type { LogLine } from '../../shared/domain/log-line.ts';

/** Bounds the memory of one reader, because an app may print long lines and a faulty node may invent them. */
export const MAX_BUFFERED_CHARS = 16 * 1024 * 1024;

/**
 * Holds lines between the agents and one reader. A slow reader loses the oldest lines and gets their number, so that the app, its node and
 * other readers never wait for it.
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

  /** The lines in the buffer. Does not wait. */
  takeNow(): TakenLines {
    const taken = { lines: this.#lines, dropped: this.#dropped };
    this.#lines = [];
    this.#chars = 0;
    this.#dropped = 0;
    return taken;
  }

  /** The lines since the last call. Waits for the first line. Undefined at the end. */
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
  /** The number of older lines that were lost. */
  readonly dropped: number;
}

/** The last `count` lines, oldest first. Lines with equal times keep their order of arrival. */
export function lastLines(lines: readonly LogLine[], count: number): readonly LogLine[] {
  const sorted = lines.toSorted((a, b) => a.atMs - b.atMs);
  return count === 0 ? [] : sorted.slice(-count);
}
