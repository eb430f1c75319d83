import { z } from 'zod';
import { switchFields } from './releases.ts';
import type { RouteSpec } from './route-spec.ts';
import { list, textRecord, wordOf } from './schema.ts';

export const checkBody = z.object({
  type: wordOf(['startup', 'readiness', 'liveness']),
  name: z.string().optional(),
  probe: wordOf(['http', 'tcp', 'command', 'uptime']),
  path: z.string().optional(),
  /** Absent: the port in PORT. */
  port: z.number().optional(),
  headers: textRecord.optional(),
  content: z.string().optional(),
  command: list(z.string()).optional(),
  uptimeMs: z.number().optional(),
  initialDelayMs: z.number(),
  timeoutMs: z.number(),
  attempts: z.number(),
  waitMs: z.number(),
  /** `GET /up`: what it asks, for people. */
  asks: z.string(),
});

const answerBody = z.object({
  /** `readiness check /up` */
  check: z.string(),
  passed: z.boolean(),
  /** The last attempt. A check fails only after several failed attempts. */
  lastPassed: z.boolean(),
  answer: z.string(),
  sinceMs: z.number(),
});

export type CheckBody = z.output<typeof checkBody>;

const typeChecksBody = z.object({
  type: z.string(),
  /** Where the checks are declared. Settings take the place of app.json. */
  source: wordOf(['app.json', 'settings']),
  checks: list(checkBody),
  /** The last answers of each running instance. A new instance has none. */
  instances: list(
    z.object({
      name: z.string(),
      node: z.string(),
      ready: z.boolean().optional(),
      answers: list(answerBody),
      /** Only after a requested run: false when the node did not answer in time. */
      ran: z.boolean().optional(),
    }),
  ),
});
export type TypeChecksBody = z.output<typeof typeChecksBody>;

const changedBody = z.object({
  /** The release that the change made. Absent before the first deploy, and when nothing changed. */
  version: z.number().optional(),
  checks: list(typeChecksBody),
  ...switchFields,
});
export type ChecksChangedBody = z.output<typeof changedBody>;

export const checkSpecs = {
  listChecks: {
    method: 'GET',
    path: '/apps/:app/checks',
    summary: 'Show the health checks of an app, and what its instances answered last.',
    answer: list(typeChecksBody),
  },
  runChecks: {
    method: 'POST',
    path: '/apps/:app/checks/run',
    summary: 'Run the readiness and liveness checks of the running instances once, and show what they answered.',
    body: z.strictObject({ type: z.string().max(100).optional() }),
    answer: list(typeChecksBody),
  },
  setCheck: {
    method: 'PATCH',
    path: '/apps/:app/checks/:type',
    summary:
      'Set a health check of a process type, in the format of app.json, or disable its checks, and release the change.',
    body: z.union([
      /** It takes the place of the check of the same type: startup, readiness or liveness. */
      z.strictObject({ check: z.record(z.string().max(100), z.unknown()) }),
      /** No checks, also none of app.json. */
      z.strictObject({ disabled: z.literal(true) }),
    ]),
    answer: changedBody,
  },
  unsetChecks: {
    method: 'DELETE',
    path: '/apps/:app/checks/:type',
    summary:
      'Remove the health checks that are set for a process type, and release the change. app.json decides again.',
    answer: changedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
