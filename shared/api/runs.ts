import { z } from 'zod';
import { list, reason, rowLimit, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const runBody = z.object({
  /** `run.4` */
  name: z.string(),
  kind: wordOf(['run', 'release', 'cron']),
  release: z.number(),
  command: z.string(),
  node: z.string(),
  /** Empty when no user started it. */
  user: z.string(),
  state: wordOf(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
  memoryBytes: z.number(),
  createdAtMs: z.number(),
  startedAtMs: z.number().optional(),
  finishedAtMs: z.number().optional(),
  timeoutMs: z.number(),
  /** Present when it has ended, and its node reported how. */
  exit: z.object({ code: z.number().optional(), signal: z.string().optional(), oomKilled: z.boolean() }).optional(),
  /** Why it failed or was stopped. */
  failure: reason.optional(),
});
export type RunBody = z.output<typeof runBody>;

/** A one-off command that runs now. */
export const runningCommandBody = z.object({
  app: z.string(),
  /** `release.12`, `run.4`, `cron.report.7` */
  name: z.string(),
  kind: wordOf(['run', 'release', 'cron']),
  release: z.number(),
  node: z.string(),
  /** Absent: it has not been sent to its node yet. */
  startedAtMs: z.number().optional(),
  /** A user, an aborted push, or a drain asked for its end. */
  stopping: z.boolean().optional(),
});
export type RunningCommandBody = z.output<typeof runningCommandBody>;

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60_000;

/** Starts a command in a sandbox of its own, with the slug and the config of the current release. */
const newRun = z.strictObject({
  /** For the shell inside the sandbox. The name of a process type alone means its command. */
  command: z.string().min(1).max(20_000),
  /** The process type whose limits and placement rule it gets. */
  type: z.string().max(100).optional(),
  memoryBytes: z
    .number()
    .int()
    .min(16 * MIB)
    .max(Number.MAX_SAFE_INTEGER)
    .optional(),
  /** Variables of this command only. */
  env: z
    .record(z.string(), z.string())
    .refine((vars) => Object.keys(vars).length <= 100, 'has more than 100 variables')
    .optional(),
  /** Name of the only possible node. */
  node: z.string().max(100).optional(),
  /** It waits for the stream of attachRun. */
  attached: z.boolean().optional(),
  /** It is stopped after this time. Default: one day. */
  ttlMs: z
    .number()
    .int()
    .min(1_000)
    .max(7 * DAY_MS)
    .optional(),
});
export type NewRun = z.output<typeof newRun>;

export const runSpecs = {
  listRuns: {
    method: 'GET',
    path: '/apps/:app/runs',
    summary: 'List the one-off commands of an app, newest first, also release commands and scheduled ones.',
    query: z.strictObject({ limit: rowLimit(15) }),
    answer: list(runBody),
  },
  startRun: {
    method: 'POST',
    path: '/apps/:app/runs',
    summary: 'Start a one-off command of an app.',
    status: 201,
    body: newRun,
    answer: runBody,
  },
  showRun: {
    method: 'GET',
    path: '/apps/:app/runs/:run',
    summary: 'Show one one-off command of an app.',
    answer: runBody,
  },
  attachRun: {
    method: 'GET',
    path: '/apps/:app/runs/:run/attach',
    summary:
      'Connects a command that was started with attached. The request must have the header Upgrade: slipway-attach.',
    status: 101,
  },
  stopRun: {
    method: 'POST',
    path: '/apps/:app/runs/:run/stop',
    summary: 'Stop a one-off command: SIGTERM, then SIGKILL.',
    status: 202,
    answer: runBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
