import { SlipwayError } from '../kit/errors.ts';

/** The process types of a Procfile, and warnings for its author. */
export interface Procfile {
  /** Process type → command line for `bash -c`. */
  readonly processTypes: Readonly<Record<string, string>>;
  /** Warnings for the user who pushes. They do not stop the build. */
  readonly warnings: readonly string[];
}

const LINE = /^([A-Za-z0-9_-]+):\s*(.*)$/;
const MAX_BYTES = 1024 * 1024;
export const MAX_PROCESS_TYPES = 100;
const MAX_TYPE_LENGTH = 63;
export const MAX_COMMAND_LENGTH = 8192;

/**
 * Heroku's Procfile: one `type: command` in each line; blank lines and lines starting with `#` or `//` are skipped; a later line of
 * the same type wins. @throws SLIP_BUILD_PROCFILE naming the line
 */
export function parseProcfile(content: Uint8Array): Procfile {
  const types = new Map<string, string>();
  const warnings: string[] = [];
  decode(content)
    .split('\n')
    .forEach((raw, index) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#') || line.startsWith('//')) return;
      const [type, command] = parseLine(line, index + 1);
      if (types.has(type)) warnings.push(`Procfile line ${index + 1}: "${type}" is declared twice; this line is used.`);
      warnings.push(...peculiarity(type, index + 1));
      types.set(type, command);
      if (types.size > MAX_PROCESS_TYPES)
        throw invalidProcfile(index + 1, `more than ${MAX_PROCESS_TYPES} process types`);
    });
  return { processTypes: Object.fromEntries(types), warnings };
}

function decode(content: Uint8Array): string {
  if (content.byteLength > MAX_BYTES) throw invalidProcfile(1, 'the file is larger than 1 MB');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (cause) {
    throw invalidProcfile(firstBadLine(content), 'not valid UTF-8', cause);
  }
}

function firstBadLine(content: Uint8Array): number {
  const lines = new TextDecoder('utf-8').decode(content).split('\n');
  return lines.findIndex((line) => line.includes('\uFFFD')) + 1;
}

function parseLine(line: string, number: number): [string, string] {
  if (line.includes('\0')) throw invalidProcfile(number, 'it contains a NUL byte');
  const match = LINE.exec(line);
  const [, type, command] = match ?? [];
  if (type === undefined || command === undefined)
    throw invalidProcfile(number, `${excerpt(line)} is not of the form "type: command"`);
  if (type.length > MAX_TYPE_LENGTH)
    throw invalidProcfile(number, `a process type has at most ${MAX_TYPE_LENGTH} characters`);
  if (/^[_-]/.test(type)) throw invalidProcfile(number, `"${type}" does not start with a letter or a digit`);
  if (command === '') throw invalidProcfile(number, `"${type}" has no command`);
  if (command.length > MAX_COMMAND_LENGTH)
    throw invalidProcfile(number, `the command is longer than ${MAX_COMMAND_LENGTH} characters`);
  return [type, command];
}

/** Warns about process types that have another meaning on other platforms. */
function peculiarity(type: string, number: number): string[] {
  if (type === 'static')
    return [
      `Procfile line ${number}: "static" runs as a command here; for a folder of files add a static.json instead.`,
    ];
  if (/^cron\d*$/.test(type)) {
    return [
      `Procfile line ${number}: "${type}" runs as a command here, not on a schedule; declare schedules under "cron" in app.json.`,
    ];
  }
  return [];
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}

function invalidProcfile(line: number, what: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_PROCFILE',
    message: `Procfile line ${line}: ${what}.`,
    hint: 'Each line is a type of letters, digits, - and _, a colon and a command, e.g. "web: node server.js". Repair it, commit and push again.',
    details: { line },
    cause,
  });
}
