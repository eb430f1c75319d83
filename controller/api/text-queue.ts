/** When the caller does not read, text above this size is dropped. */
const UNREAD_CHARS_MAX = 8 * 1024 * 1024;

/** Text from a writer that does not wait, for one reader. */
export class TextQueue {
  readonly #texts: string[] = [];
  #unread = 0;
  #isClosed = false;
  #wake: () => void = () => undefined;

  push(text: string): void {
    if (text === '' || this.#unread >= UNREAD_CHARS_MAX) return;
    this.#texts.push(text);
    this.#unread += text.length;
    this.#wake();
  }

  /** The reader ends after the rest of the text. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<string> {
    for (;;) {
      const text = this.#texts.splice(0).join('');
      this.#unread = 0;
      if (text !== '') yield text;
      else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
