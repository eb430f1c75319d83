import { z } from 'zod';
import { isSchedule } from './cron-schedule.ts';

/** What happens when a tick comes and the former run of the entry has not ended. As in Kubernetes. */
export const CONCURRENCY_POLICIES = ['allow', 'forbid', 'replace'] as const;
/** What happens with ticks that came while the controller was away. */
export const MISSED_POLICIES = ['run-once', 'skip'] as const;

export const CRON_ENTRIES_MAX = 20;
export const CRON_COMMAND_LENGTH_MAX = 4096;
export const CRON_TIMEOUT_SECONDS_MAX = 24 * 60 * 60;

const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** True for `nightly-report`. */
export function isCronName(text: string): boolean {
  return NAME.test(text);
}

const entry = z
  .strictObject({
    /** Unique in the app. Its state and its history belong to this name. */
    name: z.string().regex(NAME, 'is not the name of a cron entry'),
    /** For `bash -c`. An entry has either a command or a process type. */
    command: z.string().min(1).max(CRON_COMMAND_LENGTH_MAX).optional(),
    processType: z.string().min(1).max(63).optional(),
    /** As the author wrote it: `30 2 * * *`, `@daily`. */
    schedule: z.string(),
    timeZone: z.string(),
    concurrency: z.enum(CONCURRENCY_POLICIES),
    missed: z.enum(MISSED_POLICIES),
    timeoutMs: z
      .int()
      .min(1000)
      .max(CRON_TIMEOUT_SECONDS_MAX * 1000),
    /** app.json says that it does not run for now. */
    suspended: z.boolean(),
  })
  .refine(({ command, processType }) => (command === undefined) !== (processType === undefined), 'has no command')
  .refine(({ schedule, timeZone }) => isSchedule(schedule, timeZone), 'has no schedule');

/** A command that runs at certain times. */
export type CronEntry = z.output<typeof entry>;

/** The entries of an app. */
export const cronEntries = z
  .array(entry)
  .max(CRON_ENTRIES_MAX)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'has a name twice')
  .readonly();
