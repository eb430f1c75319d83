// C0 and C1 control characters except tab and newline, and marks that reorder text.
// The output of an app must not control the terminal.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A body of the API with every text in it made safe for a terminal. Apps, owners and nodes write such texts. */
export function escapeAll<T>(body: T): T {
  if (typeof body === 'string') return escapeControls(body) as T;
  if (Array.isArray(body)) return body.map(escapeAll) as T;
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [escapeControls(name), escapeAll(value as unknown)]),
  ) as T;
}

/** The text in one line, so that it cannot imitate other lines. */
export function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

/** Makes untrusted text safe for a terminal: every control character becomes visible (`\x1b`). */
export function escapeControls(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Which control characters of an untrusted text reach the terminal. */
export type ControlsShown = 'none' | 'colours' | 'all';

// Select Graphic Rendition (ECMA-48, 8.3.117): colours and weights. No other sequence passes.
const COLOURS = /(\u001b\[[0-9;:]{0,40}m)/;
const NORMAL = '\u001b[0m';

/** The text as it is sent to the terminal. Colours are reset at its end, so that they do not change later text. */
export function escapeUntrusted(text: string, controls: ControlsShown): string {
  if (controls === 'all') return text;
  if (controls === 'none') return escapeControls(text);
  const parts = text.split(COLOURS);
  if (parts.length === 1) return escapeControls(text);
  // `split` with a group puts the sequences at the odd indexes.
  return `${parts.map((part, index) => (index % 2 === 1 ? part : escapeControls(part))).join('')}${NORMAL}`;
}
