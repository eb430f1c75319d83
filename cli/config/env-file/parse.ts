import { parseConfigName } from '../../../shared/domain/names.ts';
import { usageError } from '../../usage-error.ts';
import { FOREMAN_BEGIN, FOREMAN_END } from './write.ts';
import { readWord } from './read-word.ts';

/** One variable of a .env file. */
export interface EnvEntry {
  readonly name: string;
  readonly value: string;
  /** Where its lines begin and end in the text. */
  readonly start: number;
  readonly end: number;
}

const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([^\s=#'"]+)=/y;
const BLANK = /[ \t]*(?:#[^\n]*)?\r?(?:\n|$)/y;

/**
 * Reads a .env file as a POSIX shell reads it, without running anything. One difference: in double quotes, a backslash and n mean a newline,
 * as in foreman and dotenv. What a shell would expand or run is refused.
 * @param file its name, for the errors
 * @throws SLIP_CLI_USAGE with the line, and never with a value
 */
export function parseEnvFile(text: string, file: string): readonly EnvEntry[] {
  const entries: EnvEntry[] = [];
  const begin = text.startsWith('\uFEFF') ? 1 : 0;
  for (let at = begin; at < text.length;) {
    const blank = matchAt(BLANK, text, at);
    if (blank !== undefined && blank.end > at) {
      at = blank.end;
      continue;
    }
    const entry = readEntry(text, at, file);
    entries.push(entry);
    at = entry.end;
  }
  return entries;
}

/** The variables of a .env file. As in a shell, the last line of a name counts. */
export function valuesOf(entries: readonly EnvEntry[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
}

function readEntry(text: string, start: number, file: string): EnvEntry {
  const at = afterForeman(text, start, file);
  const line = lineAt(text, at);
  const assignment = matchAt(ASSIGNMENT, text, at);
  if (assignment === undefined) throw notAVariable(file, line);
  const name = parseConfigName(assignment.groups[1] ?? '');
  const word = readWord(text, assignment.end);
  if ('trouble' in word)
    throw usageError(`Line ${String(lineAt(text, word.at))} of ${file}, in ${name}: ${word.trouble}`, word.hint);
  const rest = matchAt(BLANK, text, word.end);
  // A comment needs a space before its #; without it, # is a part of the word.
  if (rest === undefined)
    throw usageError(
      `Line ${String(lineAt(text, word.end))} of ${file}: there is more text after the value of ${name}.`,
      'A value with spaces needs quotes: GREETING="hello there"',
    );
  return { name, value: word.value, start, end: rest.end };
}

/** Skips the lines that only foreman reads. They belong to the variable after them. */
function afterForeman(text: string, start: number, file: string): number {
  if (!text.startsWith(`${FOREMAN_BEGIN}\n`, start)) return start;
  const end = text.indexOf(`\n${FOREMAN_END}\n`, start);
  if (end >= 0) return end + FOREMAN_END.length + 2;
  throw usageError(
    `Line ${String(lineAt(text, start))} of ${file}: the line ${FOREMAN_END} is missing.`,
    'Write the file again with: slipway config:dump',
  );
}

function notAVariable(file: string, line: number): Error {
  return usageError(
    `Line ${String(line)} of ${file} is not NAME=value.`,
    'Each variable has a line of its own, for example GREETING="hello there". A comment begins with #.',
  );
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function matchAt(
  pattern: RegExp,
  text: string,
  at: number,
): { readonly groups: readonly (string | undefined)[]; readonly end: number } | undefined {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? undefined : { groups: match, end: pattern.lastIndex };
}
