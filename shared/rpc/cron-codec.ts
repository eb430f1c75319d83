import { z } from 'zod';
import { cronEntries, type CronEntry } from '../domain/cron.ts';
import * as field from './fields.ts';
import type { CronEntry as WireCronEntry } from './gen/slipway/v1/CronEntry.ts';

const wireEntry = z
  .object({
    ...{ name: z.string(), schedule: z.string(), timeZone: z.string(), concurrency: z.string(), missed: z.string() },
    ...{ command: field.emptyIsAbsent(z.string()), processType: field.emptyIsAbsent(z.string()) },
    ...{ timeoutMs: z.number(), suspended: z.boolean() },
  })
  .transform(({ command, processType, ...entry }) => ({
    ...entry,
    ...(command === undefined ? {} : { command }),
    ...(processType === undefined ? {} : { processType }),
  }));

/** The cron entries of an app. Absent: none. */
export const appCron: z.ZodType<readonly CronEntry[] | undefined> = z
  .array(wireEntry)
  .default([])
  .transform((all): unknown => all)
  .pipe(cronEntries)
  .transform((all) => (all.length === 0 ? undefined : all));

export function encodeCron(entries: readonly CronEntry[] = []): WireCronEntry[] {
  return entries.map(({ command = '', processType = '', ...entry }) => ({ ...entry, command, processType }));
}
