const NEWLINE = 10;

/** Passes the output of a program on, and inserts Slipway's own lines. Each of them starts on a new line. */
export class LineOutput {
  readonly #sink: (chunk: string | Uint8Array) => void;
  #atLineStart = true;

  constructor(sink: (chunk: string | Uint8Array) => void) {
    this.#sink = sink;
  }

  /** Output of the program, unchanged. */
  write(chunk: string | Uint8Array): void {
    if (chunk.length === 0) return;
    const last = typeof chunk === 'string' ? chunk.charCodeAt(chunk.length - 1) : chunk[chunk.length - 1];
    this.#atLineStart = last === NEWLINE;
    this.#sink(chunk);
  }

  /** A line of Slipway. */
  say(text: string): void {
    if (text !== '') this.write(this.#atLineStart ? text : `\n${text}`);
  }
}
