/**
 * Modes that full-screen programs set (DEC private modes) and that change how a terminal works: cursor keys, the cursor, mouse, focus, the other
 * screen, bracketed paste.
 */
const MODES: ReadonlySet<number> = new Set([1, 25, 47, 1000, 1002, 1003, 1004, 1006, 1047, 1049, 2004]);
/** Of these, only the cursor is on in a fresh terminal. */
const ON_AT_START: ReadonlySet<number> = new Set([25]);
const ESCAPE = '\u001b';
/** An unfinished sequence waits for the next piece of output, if it is not longer than this. */
const SEQUENCE_MAX = 64;

/**
 * Follows which modes the output of a program has set. When the connection to the program is lost, for example to an editor, nobody sets
 * the terminal back, so we do.
 */
export class ScreenModes {
  readonly #changed = new Set<number>();
  #rest = '';

  see(bytes: Uint8Array): void {
    const text = this.#rest + Buffer.from(bytes).toString('latin1');
    for (const [, numbers = '', end] of text.matchAll(SET_MODE))
      for (const mode of numbers.split(';').map(Number)) this.#note(mode, end === 'h');
    const last = text.lastIndexOf(ESCAPE);
    const isOpen = last >= 0 && text.length - last < SEQUENCE_MAX && OPEN_SEQUENCE.test(text.slice(last));
    this.#rest = isOpen ? text.slice(last) : '';
  }

  /** What sets the terminal back. Empty if nothing is to be set back. */
  restore(): string {
    if (this.#changed.size === 0) return '';
    const back = [...this.#changed].map((mode) => `${ESCAPE}[?${String(mode)}${ON_AT_START.has(mode) ? 'h' : 'l'}`);
    this.#changed.clear();
    return `${ESCAPE}[0m${back.join('')}`;
  }

  #note(mode: number, isOn: boolean): void {
    if (!MODES.has(mode)) return;
    if (isOn === ON_AT_START.has(mode)) this.#changed.delete(mode);
    else this.#changed.add(mode);
  }
}

const SET_MODE = new RegExp(`${ESCAPE}\\[\\?([\\d;]+)([hl])`, 'g');
const OPEN_SEQUENCE = new RegExp(`^${ESCAPE}(?:\\[(?:\\?[\\d;]*)?)?$`);
