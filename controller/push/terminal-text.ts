import { StringDecoder } from 'node:string_decoder';

/** Makes text of an app or a build safe for the pusher's terminal. */

/** CSI … final byte; OSC, DCS, SOS, PM, APC up to BEL or ST; two-character escapes. */
const ESCAPE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-OQ-WYZ\\`-~]/g;
/** The start of such a sequence at the end of a chunk. It is kept until the rest arrives. */
const UNFINISHED_ESCAPE =
  /(?:(?:\u001b\[|\u009b)[0-?]*[ -/]*|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u0080-\u009f]*\u001b?|\u001b[ -/]*)$/;
/** C0 except tab and newline, DEL, C1, characters that change the direction of text, and hidden line breaks. */
const CONTROL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

const MAX_HELD_CHARS = 1024;

/** Cleans a stream of chunks. It keeps a sequence or character that is split between two chunks. */
export class TerminalText {
  readonly #decoder = new StringDecoder('utf8');
  #held = '';

  push(chunk: string | Uint8Array): string {
    const text = typeof chunk === 'string' ? this.#decoder.end() + chunk : this.#decoder.write(Buffer.from(chunk));
    const whole = this.#held + text;
    const cut = splitPoint(whole);
    this.#held = whole.slice(cut);
    return clean(whole.slice(0, cut));
  }

  /** The rest of the text. */
  end(): string {
    const rest = this.#held + this.#decoder.end();
    this.#held = '';
    return clean(rest);
  }
}

function splitPoint(text: string): number {
  const tail = text.slice(-MAX_HELD_CHARS);
  const unfinished = UNFINISHED_ESCAPE.exec(tail);
  if (unfinished !== null) return text.length - tail.length + unfinished.index;
  return text.endsWith('\r') ? text.length - 1 : text.length;
}

function clean(text: string): string {
  return text
    .replaceAll(ESCAPE, '')
    .replaceAll(/\r+\n?/g, '\n')
    .replaceAll(CONTROL, '');
}

/** Cleans a complete text. */
export function cleanTerminalText(text: string): string {
  const cleaner = new TerminalText();
  return cleaner.push(text) + cleaner.end();
}
