import { z } from 'zod';
import { list, queryFlag, reason, rowLimit, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const cronRunBody = z.object({
  /** Of the entry. */
  entry: z.string(),
  /** `cron.report.7`. Absent: it did not start. */
  run: z.string().optional(),
  /** The time of the schedule. Absent: a user started it. */
  tickMs: z.number().optional(),
  atMs: z.number(),
  state: wordOf(['pending', 'running', 'succeeded', 'failed', 'cancelled', 'skipped']),
  release: z.number().optional(),
  node: z.string().optional(),
  /** The user who started it. Absent: the schedule did. */
  user: z.string().optional(),
  finishedAtMs: z.number().optional(),
  durationMs: z.number().optional(),
  exitCode: z.number().optional(),
  signal: z.string().optional(),
  /** Why it failed, was stopped, or did not start. */
  failure: reason.optional(),
});
export type CronRunBody = z.output<typeof cronRunBody>;

const cronEntryBody = z.object({
  name: z.string(),
  /** Either `command` or `type` is present. */
  command: z.string().optional(),
  type: z.string().optional(),
  schedule: z.string(),
  timeZone: z.string(),
  concurrency: wordOf(['allow', 'forbid', 'replace']),
  missed: wordOf(['run-once', 'skip']),
  timeoutMs: z.number(),
  suspended: z.boolean(),
  /** The app, or the process type, is stopped, so it does not run. */
  stopped: z.boolean(),
  /** Absent while it is suspended or stopped. */
  nextAtMs: z.number().optional(),
  last: cronRunBody.optional(),
});
export type CronEntryBody = z.output<typeof cronEntryBody>;

const cronOutputBody = cronRunBody.extend({
  /** Its first 64 KiB. */
  output: z.string(),
  /** Of the whole output that the controller received. */
  outputBytes: z.number(),
  /** In a stream: `output` begins after this number of characters. Absent: it begins at the start. */
  outputFrom: z.number().optional(),
});
export type CronOutputBody = z.output<typeof cronOutputBody>;

export const cronSpecs = {
  listCron: {
    method: 'GET',
    path: '/apps/:app/cron',
    summary: 'List the cron entries of the current release of an app.',
    answer: list(cronEntryBody),
  },
  runCron: {
    method: 'POST',
    path: '/apps/:app/cron/:entry/run',
    summary: 'Run a cron entry now.',
    status: 201,
    answer: cronRunBody,
  },
  suspendCron: {
    method: 'POST',
    path: '/apps/:app/cron/:entry/suspend',
    summary: 'Stop running a cron entry until it is resumed.',
    answer: cronEntryBody,
  },
  resumeCron: {
    method: 'POST',
    path: '/apps/:app/cron/:entry/resume',
    summary: 'Run a suspended cron entry at its times again.',
    answer: cronEntryBody,
  },
  listCronRuns: {
    method: 'GET',
    path: '/apps/:app/cron-runs',
    summary: 'List the runs of the cron entries of an app, newest first.',
    query: z.strictObject({ entry: z.string().max(100).optional(), limit: rowLimit(15) }),
    answer: list(cronRunBody),
  },
  showCronRun: {
    method: 'GET',
    path: '/apps/:app/cron-runs/:run',
    summary:
      'Show one run of a cron entry, with its output. With follow: a line for each change, until the run has ended.',
    query: z.strictObject({ follow: queryFlag }),
    answer: cronOutputBody,
    lines: cronOutputBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
