const NEWLINE = 10;

/** Passes a program's output on, and puts our own sentences between: each begins a line, whatever was printed before it. */
export class LineOutput {
  readonly #sink: (chunk: string | Uint8Array) => void;
  #atLineStart = true;

  constructor(sink: (chunk: string | Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Bytes as they come. */
  write(chunk: string | Uint8Array): void {
    if (chunk.length === 0) return;
    const last = typeof chunk === 'string' ? chunk.charCodeAt(chunk.length - 1) : chunk[chunk.length - 1];
    this.#atLineStart = last === NEWLINE;
    this.#sink(chunk);
  }

  /** A text of our own. */
  say(text: string): void {
    if (text !== '') this.write(this.#atLineStart ? text : `\n${text}`);
  }
}
