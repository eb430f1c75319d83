import { Cron } from 'croner';

// Schedules with 5 fields in a time zone. croner decides what matches; this file decides what is allowed.

/** The instants at which an entry runs. */
export interface Schedule {
  readonly schedule: string;
  readonly timeZone: string;
}

const LENGTH_MAX = 200;
const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const FIELDS = 'minute, hour, day of the month, month, day of the week';

/** @returns why the schedule is not allowed, as the end of a sentence; undefined when it is allowed */
export function scheduleProblem(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return `has more than ${String(LENGTH_MAX)} characters`;
  const fields = text.trim().split(/\s+/);
  const [first = ''] = fields;
  if (first.startsWith('@')) {
    if (fields.length === 1 && NICKNAMES.includes(first.toLowerCase())) return undefined;
    return `must be one of ${NICKNAMES.join(', ')}, or have 5 fields (${FIELDS})`;
  }
  if (fields.length === 6) return `has 6 fields. A schedule has 5 (${FIELDS}), without seconds`;
  if (fields.length !== 5) return `must have 5 fields (${FIELDS}), or be a word such as @daily`;
  try {
    if (nextTick({ schedule: text, timeZone: 'Etc/UTC' }, Date.UTC(2001, 0, 1)) === undefined)
      return 'never matches: no month has such a day';
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  }
  return undefined;
}

/** True for a time zone of the IANA database, such as `Europe/Berlin`. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

export function isSchedule(schedule: string, timeZone: string): boolean {
  return isTimeZone(timeZone) && scheduleProblem(schedule) === undefined;
}

/**
 * The first tick after this moment. Undefined: none.
 * A job at fixed times that falls into the skipped hour of a change of the clock runs right after that hour. In an hour that comes twice it
 * runs once. A job with `*` or a step in its minutes or hours follows the clock: it has no tick in a skipped hour, and ticks in both hours.
 */
export function nextTick(schedule: Schedule, afterMs: number): number | undefined {
  return cronOf(schedule).nextRun(new Date(afterMs))?.getTime();
}

/** The newest tick that is not after this moment. Undefined: none. */
export function newestTick(schedule: Schedule, atMs: number): number | undefined {
  return cronOf(schedule)
    .previousRuns(1, new Date(atMs + 1000))[0]
    ?.getTime();
}

function cronOf({ schedule, timeZone }: Schedule): Cron {
  return new Cron(schedule.trim(), {
    timezone: timeZone,
    mode: '5-part',
    fixedTimeRule: 'no-wildcard',
    paused: true,
  });
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^CronPattern: /, '').replace(/\.$/, '');
}
