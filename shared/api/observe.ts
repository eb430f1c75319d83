import { z } from 'zod';
import type { FleetEvent } from '../domain/event.ts';
import type { LogLine } from '../domain/log-line.ts';
import { sessionBody } from './attach.ts';
import { lockBody, stoppedBody } from './apps.ts';
import { nodeBody } from './nodes.ts';
import { runningCommandBody } from './runs.ts';
import { list, problemBody, queryFlag, rowLimit } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const eventBody = z.object({
  seq: z.number(),
  atMs: z.number(),
  kind: z.string(),
  actor: z.string(),
  app: z.string().optional(),
  node: z.string().optional(),
  instance: z.string().optional(),
  message: z.string(),
  next: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
}) satisfies z.ZodType<FleetEvent>;

/** One page of events, newest first. */
const eventsBody = z.object({
  events: list(eventBody),
  /** The start of the next page; absent on the last one. */
  before: z.number().optional(),
});
export type EventsBody = z.output<typeof eventsBody>;

/** One line of the log stream (NDJSON). An empty line keeps the connection alive. */
const logLineBody = z.object({
  atMs: z.number(),
  source: z.enum(['app', 'slipway']),
  process: z.string(),
  message: z.string(),
}) satisfies z.ZodType<LogLine>;
export type LogLineBody = z.output<typeof logLineBody>;

const whyChain = z.object({
  /** `SLIP_…` if the cause has a code. */
  code: z.string().optional(),
  /** Plain sentences, cause first. */
  links: list(z.string()),
  /** The command that repairs it, or leads on if only a person can. */
  next: z.string(),
});
export type WhyChain = z.output<typeof whyChain>;

/** Why something is in its state: each chain leads from a cause to its effect. */
export const whyBody = z.object({
  /** `web.1 of shop` */
  about: z.string(),
  well: z.boolean(),
  /** The worst first. */
  chains: list(whyChain),
});
export type WhyBody = z.output<typeof whyBody>;

const appStatusBody = z.object({
  name: z.string(),
  release: z.number().optional(),
  /** Instances that are up: they passed the health check of their start. */
  live: z.number(),
  /** The live instances whose health checks do not fail. Only these get requests. Absent: the controller is older. */
  ready: z.number().optional(),
  desired: z.number(),
  nodes: list(z.string()),
  lastDeployAtMs: z.number().optional(),
  webUrl: z.string(),
  stopped: stoppedBody.optional(),
  lock: lockBody.optional(),
  maintenance: z.boolean().optional(),
});
export type AppStatusBody = z.output<typeof appStatusBody>;

const statusBody = z.object({
  controller: z.object({ version: z.string(), uptimeMs: z.number() }),
  problems: list(problemBody),
  nodes: list(nodeBody),
  /** By name. When there are too many, only the first ones. */
  apps: list(appStatusBody),
  /** The one-off commands that run now. When there are too many, only the first ones. Absent: none. */
  commands: list(runningCommandBody).optional(),
  /** The sessions of users in instances. When there are too many, only the first ones. Absent: none. */
  sessions: list(sessionBody).optional(),
  /** Apps, commands, sessions and problems that are not shown, because there are too many; absent: none. */
  moreApps: z.number().optional(),
  moreCommands: z.number().optional(),
  moreSessions: z.number().optional(),
  moreProblems: z.number().optional(),
});
export type StatusBody = z.output<typeof statusBody>;

const eventQuery = z.strictObject({
  limit: rowLimit(50),
  before: z.coerce.number().int().min(1).optional(),
  node: z.string().max(63).optional(),
  follow: queryFlag,
});

const logQuery = z.strictObject({
  lines: z.coerce.number().int().min(0).max(1500).default(100),
  process: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]{1,63}(?:\.[a-z0-9-]{1,40})?(?:\.\d{1,9})?$/,
      'it is a process type (web), an instance (web.1) or a cron entry (cron.report)',
    )
    .optional(),
  source: z.enum(['app', 'slipway']).optional(),
  follow: queryFlag,
});

export const observeSpecs = {
  showStatus: {
    method: 'GET',
    path: '/status',
    summary: 'Show the state of the fleet and of the apps that the caller may see.',
    query: z.strictObject({ follow: queryFlag }),
    answer: statusBody,
    lines: statusBody,
  },
  listEvents: {
    method: 'GET',
    path: '/events',
    summary: 'List the events that the caller may see.',
    query: eventQuery,
    answer: eventsBody,
    lines: eventBody,
  },
  listAppEvents: {
    method: 'GET',
    path: '/apps/:app/events',
    summary: 'List the events of an app.',
    query: eventQuery,
    answer: eventsBody,
    lines: eventBody,
  },
  readLogs: {
    method: 'GET',
    path: '/apps/:app/logs',
    summary: 'Read the logs of an app.',
    query: logQuery,
    lines: logLineBody,
  },
  whyApp: {
    method: 'GET',
    path: '/apps/:app/why',
    summary: 'Explain the state of an app or of one instance.',
    query: z.strictObject({ instance: z.string().max(80).optional() }),
    answer: whyBody,
  },
  whyNode: { method: 'GET', path: '/nodes/:node/why', summary: 'Explain the state of a node.', answer: whyBody },
} as const satisfies Readonly<Record<string, RouteSpec>>;
