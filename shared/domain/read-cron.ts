import {
  CONCURRENCY_POLICIES,
  CRON_COMMAND_LENGTH_MAX,
  CRON_ENTRIES_MAX,
  CRON_TIMEOUT_SECONDS_MAX,
  isCronName,
  MISSED_POLICIES,
  type CronEntry,
} from './cron.ts';
import { isTimeZone, scheduleProblem } from './cron-schedule.ts';
import { parseProcessType, quoteInput } from './names.ts';

// The `cron` list of app.json: Dokku's format, and a name, a process type, a time zone, a timeout and a rule for missed ticks.

type Fields = Readonly<Record<string, unknown>>;
/** Makes the error. Its text begins with the path of the value, e.g. `"cron.0.schedule"`. */
type Refuse = (what: string) => Error;

const KEYS = [
  ...['name', 'command', 'type', 'schedule', 'timezone', 'concurrency_policy', 'missed', 'timeout'],
  'maintenance',
];
const DEFAULT_TIME_ZONE = 'Etc/UTC';
const NAME_LENGTH_MAX = 30;

/** Reads `cron`. @throws the error of `refuse` */
export function readCron(value: unknown, refuse: Refuse): readonly CronEntry[] {
  if (!Array.isArray(value)) throw refuse('"cron" must be a list');
  if (value.length > CRON_ENTRIES_MAX) throw refuse(`"cron" has more than ${String(CRON_ENTRIES_MAX)} entries`);
  const read = new CronReader(refuse);
  return withNames(
    value.map((each: unknown, index) => read.entry(each, `cron.${String(index)}`)),
    refuse,
  );
}

/** @returns an error for the first entry with a process type that the app does not have */
export function unknownCronType(
  entries: readonly CronEntry[],
  processTypes: Readonly<Record<string, string>>,
): string | undefined {
  const index = entries.findIndex(
    ({ processType }) => processType !== undefined && !Object.hasOwn(processTypes, processType),
  );
  if (index < 0) return undefined;
  const type = quoteInput(entries[index]?.processType ?? '');
  return `"cron.${String(index)}.type" is ${type}, and the app has no such process type. It has ${Object.keys(processTypes).join(', ')}`;
}

type Unnamed = Omit<CronEntry, 'name'> & { readonly name?: string | undefined };

class CronReader {
  readonly #refuse: Refuse;

  constructor(refuse: Refuse) {
    this.#refuse = refuse;
  }

  entry(value: unknown, path: string): Unnamed {
    const fields = this.#fields(value, path);
    return {
      name: this.#name(fields['name'], path),
      ...this.#work(fields, path),
      schedule: this.#schedule(fields['schedule'], path),
      timeZone: this.#timeZone(fields['timezone'] ?? DEFAULT_TIME_ZONE, path),
      concurrency: this.#word(fields, CONCURRENCY_POLICIES, `${path}.concurrency_policy`),
      missed: this.#word(fields, MISSED_POLICIES, `${path}.missed`),
      timeoutMs: this.#timeout(fields['timeout'] ?? CRON_TIMEOUT_SECONDS_MAX, path) * 1000,
      suspended: this.#flag(fields['maintenance'] ?? false, `${path}.maintenance`),
    };
  }

  #fields(value: unknown, path: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#refuse(`"${path}" must be an object`);
    const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
    if (unknown === undefined) return value as Fields;
    throw this.#refuse(`"${path}" has the unknown key ${quoteInput(unknown)}. The keys are ${KEYS.join(', ')}`);
  }

  #name(value: unknown, path: string): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'string' && isCronName(value)) return value;
    throw this.#refuse(`"${path}.name" must have 1 to 40 lower-case letters, digits and dashes`);
  }

  #work({ command, type }: Fields, path: string): Pick<Unnamed, 'command' | 'processType'> {
    if ((command === undefined) === (type === undefined))
      throw this.#refuse(`"${path}" must have either a "command" or a "type"`);
    if (type !== undefined) return { processType: this.#type(type, path) };
    if (typeof command === 'string' && command.trim() !== '' && command.length <= CRON_COMMAND_LENGTH_MAX)
      return { command: command.trim() };
    throw this.#refuse(`"${path}.command" must be a text of 1 to ${String(CRON_COMMAND_LENGTH_MAX)} characters`);
  }

  #type(value: unknown, path: string): string {
    if (typeof value !== 'string') throw this.#refuse(`"${path}.type" must be the name of a process type`);
    try {
      return parseProcessType(value);
    } catch {
      throw this.#refuse(`"${path}.type" must be the name of a process type`);
    }
  }

  #schedule(value: unknown, path: string): string {
    if (typeof value !== 'string') throw this.#refuse(`"${path}.schedule" must be a text such as "30 2 * * *"`);
    const problem = scheduleProblem(value);
    if (problem === undefined) return value.trim();
    throw this.#refuse(`"${path}.schedule" ${quoteInput(value)} ${problem}`);
  }

  #timeZone(value: unknown, path: string): string {
    if (typeof value === 'string' && isTimeZone(value)) return value;
    const given = typeof value === 'string' ? ` ${quoteInput(value)}` : '';
    throw this.#refuse(`"${path}.timezone"${given} must be a time zone such as "Europe/Berlin"`);
  }

  /** The first word is the default. */
  #word<const T extends readonly [string, ...string[]]>(fields: Fields, words: T, path: string): T[number] {
    const value = fields[path.slice(path.lastIndexOf('.') + 1)] ?? words[0];
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    throw this.#refuse(`"${path}" must be ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`);
  }

  #timeout(value: unknown, path: string): number {
    const max = CRON_TIMEOUT_SECONDS_MAX;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw this.#refuse(`"${path}.timeout" must be a whole number of seconds from 1 to ${String(max)}`);
  }

  #flag(value: unknown, path: string): boolean {
    if (typeof value === 'boolean') return value;
    throw this.#refuse(`"${path}" must be true or false`);
  }
}

/** An entry without a name gets one from its command or type. Entries with the same one get a part of their schedule too. */
function withNames(entries: readonly Unnamed[], refuse: Refuse): readonly CronEntry[] {
  const derived = entries.map((entry) => entry.name ?? nameFrom(entry.processType ?? entry.command ?? ''));
  const named = entries.map((entry, index) => {
    const name = derived[index] ?? '';
    const isAlone = derived.indexOf(name) === derived.lastIndexOf(name);
    return { ...entry, name: entry.name !== undefined || isAlone ? name : `${name}-${scheduleWord(entry)}` };
  });
  const names = named.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice < 0) return named;
  const first = names.indexOf(names[twice] ?? '');
  throw refuse(
    `"cron.${String(twice)}" has the same name as "cron.${String(first)}" (${names[twice] ?? ''}). Give each a "name" of its own`,
  );
}

function nameFrom(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ['job'];
  return words.join('-').slice(0, NAME_LENGTH_MAX).replace(/-$/, '');
}

/** Eight hex digits that belong to the schedule. The order of the entries does not matter. */
function scheduleWord({ schedule, timeZone }: Unnamed): string {
  let hash = 0x811c9dc5;
  for (const character of `${schedule} ${timeZone}`)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
