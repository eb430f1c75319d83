/** Opens the alternate screen of the terminal without a cursor, and closes it. */
export const OPEN_SCREEN = '\u001b[?1049h\u001b[?25l\u001b[2J';
export const CLOSE_SCREEN = '\u001b[?25h\u001b[?1049l';

const COLOUR = /\u001b\[[0-9;]*m/y;

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The lines of a text that fit on the screen, cut to its width. */
export function fit(text: string, { columns, rows }: ScreenSize): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const shown =
    lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${String(lines.length - rows + 1)} more lines`];
  return shown.map((line) => clip(line, columns));
}

/** Writes only the lines that changed, so that the screen does not flicker. */
export function repaint(before: readonly string[], after: readonly string[]): string {
  let out = '';
  for (let row = 0; row < Math.max(before.length, after.length); row++) {
    if (before[row] !== after[row]) out += `\u001b[${String(row + 1)};1H${after[row] ?? ''}\u001b[K`;
  }
  return out;
}

/** Cuts a line to a width. Colours have no width and end with the line. */
function clip(line: string, columns: number): string {
  let width = 0;
  let at = 0;
  while (at < line.length && width < columns) {
    COLOUR.lastIndex = at;
    const colour = COLOUR.exec(line)?.[0];
    at += colour?.length ?? 1;
    if (colour === undefined) width += 1;
  }
  const rest = line.slice(at);
  return rest.replaceAll(/\u001b\[[0-9;]*m/g, '') === ''
    ? line
    : `${line.slice(0, at)}${line.includes('\u001b[') ? '\u001b[0m' : ''}`;
}
