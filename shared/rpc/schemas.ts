import { z } from 'zod';
import type { Assignment, DesiredState, DestroyedApp, Limits, Route, WithheldInstance } from '../domain/assignment.ts';
import type { BuildResult, BuildTask } from '../domain/build.ts';
import { COMMAND_KINDS, type CommandResult, type CommandTask } from '../domain/command.ts';
import type { AppId, InstanceId, TaskId } from '../domain/ids.ts';
import type { InstanceStatus, Reason } from '../domain/instance.ts';
import type { LogLine } from '../domain/log-line.ts';
import type { Layer, Slug } from '../domain/slug.ts';
import { expandForm } from './desired-form.ts';
import { appCron } from './cron-codec.ts';
import { appChecks, typeChecks } from './health-check-codec.ts';
import * as field from './fields.ts';

// Message parts that both directions share, wire → domain.

export const epoch = z.object({ counter: field.count, id: field.word });

export const reason: z.ZodType<Reason> = z.object({
  code: field.reasonCode,
  message: field.text,
  hint: field.emptyIsAbsent(field.text),
});

const layer: z.ZodType<Layer> = z.object({
  name: field.layerName,
  digest: field.digest,
  sizeBytes: field.count,
  shared: z.boolean(),
});

const layers = z
  .array(layer)
  .min(1)
  .max(32)
  .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'has two layers of one name');

const limits: z.ZodType<Limits> = z.object({
  memoryBytes: field.size,
  pidsMax: field.size,
  diskBytes: field.size,
  diskInodes: field.size,
  cpuMillis: field.count.default(0),
});

// An unknown value must not be guessed: the agent refuses the whole state and keeps the previous one.
const wish = z.enum(['run', 'standby', 'stop']);

const assignment: z.ZodType<Assignment> = z.object({
  instanceId: field.id<InstanceId>(),
  appId: field.id<AppId>(),
  app: field.appName,
  uidBase: field.uidBase,
  release: field.size,
  processType: field.processType,
  ordinal: field.size,
  command: field.command,
  layers,
  stack: field.stackName,
  config: field.config,
  limits,
  desired: wish,
  commit: field.commit,
  checks: typeChecks,
});

const route: z.ZodType<Route> = z.object({ hostname: field.hostname, appId: field.id<AppId>(), app: field.appName });

/** Most instances of one node. With the smallest memory limit (16 MiB) they need 320 GB. */
const INSTANCES_MAX = 20_000;

const withheld: z.ZodType<readonly WithheldInstance[]> = z
  .array(z.object({ instanceId: field.id<InstanceId>(), desired: wish }))
  .max(INSTANCES_MAX);

const destroyed: z.ZodType<readonly DestroyedApp[]> = z
  .array(z.object({ appId: field.id<AppId>(), uidBase: field.count }))
  .max(10_000);

const wholeState = z.object({
  epoch,
  generation: field.count,
  assignments: z
    .array(assignment)
    .max(INSTANCES_MAX)
    .refine((all) => new Set(all.map((one) => one.instanceId)).size === all.length, 'names an instance twice'),
  routes: z.array(route).max(50_000),
  massStopReason: field.text,
  withheld: withheld.default([]).transform((all) => (all.length === 0 ? undefined : all)),
  destroyed: destroyed.default([]).transform((all) => (all.length === 0 ? undefined : all)),
});

/** A state of either form, from the wire or from the disk of the agent. */
export const desiredState: z.ZodType<DesiredState> = z.preprocess(expandForm, wholeState);

const exit = z.object({
  code: z.int().optional(),
  signal: field.word.optional(),
  oomKilled: z.boolean(),
  oomOfNode: z.boolean().optional(),
  atMs: field.count,
});

const crashes = z.object({ count: field.count, sinceMs: field.count.optional() });

const checkResult = z.object({
  ...{ check: field.text, passed: z.boolean(), lastPassed: z.boolean() },
  ...{ answer: field.text, sinceMs: field.count },
});

export const instanceStatus: z.ZodType<InstanceStatus> = z.object({
  instanceId: field.id<InstanceId>(),
  // A newer agent may report an unknown state. It counts as `pending`, from which nothing follows.
  state: z
    .enum(['pending', 'fetching', 'starting', 'live', 'backoff', 'stopping', 'stopped', 'failed'])
    .catch('pending'),
  serving: z.boolean().optional(),
  restarts: field.count,
  startedAtMs: field.count.optional(),
  lastExit: field.optional(exit),
  crashes: field.optional(crashes),
  nextStartAtMs: field.count.optional(),
  reason: field.optional(reason),
  lastLines: z.array(field.text).max(field.MAX_LAST_LINES),
  ready: z.boolean().optional(),
  checks: z
    .array(checkResult)
    .max(100)
    .default([])
    .transform((all) => (all.length === 0 ? undefined : all)),
  checksRun: field.count.default(0).transform((run) => (run === 0 ? undefined : run)),
  timingsMs: field.timings,
});

export const buildTask: z.ZodType<BuildTask> = z.object({
  /** Empty from a controller that knows no other kind. */
  kind: z.enum(['', 'build']).transform(() => 'build' as const),
  taskId: field.id<TaskId>(),
  appId: field.id<AppId>(),
  app: field.appName,
  uidBase: field.uidBase,
  commit: field.commit,
  commitTimeMs: field.count,
  stack: field.stackName,
  config: field.config,
  buildpacks: z.array(z.string().min(1).max(2_000)).max(50),
  limits,
  timeoutMs: field.size,
  slugLimitBytes: field.size,
  outputLimitBytes: field.size,
  root: field.emptyIsAbsent(z.string().max(1_000)),
  cacheNumber: field.count.transform((number) => (number === 0 ? undefined : number)),
});

const command = z.object({
  release: field.size,
  process: field.processLabel,
  command: field.command,
  layers,
  env: field.config,
  graceMs: field.count,
  attached: z.boolean().transform((attached) => attached || undefined),
});

export const commandTask: z.ZodType<CommandTask> = z
  .object({
    kind: z.enum(COMMAND_KINDS),
    taskId: field.id<TaskId>(),
    appId: field.id<AppId>(),
    app: field.appName,
    uidBase: field.uidBase,
    commit: field.commit,
    stack: field.stackName,
    config: field.config,
    limits,
    timeoutMs: field.size,
    outputLimitBytes: field.size,
    command,
  })
  .transform(({ command: own, ...task }) => ({ ...task, ...own }));

export const commandResult: z.ZodType<CommandResult> = z.object({
  exit,
  durationMs: field.count,
  endedBy: field.emptyIsAbsent<'timeout' | 'cancel'>(z.enum(['timeout', 'cancel'])),
});

const slug: z.ZodType<Slug> = z.object({
  layers,
  processTypes: field.processTypes,
  stack: field.stackName,
  platform: field.word,
  commit: field.commit,
  buildpacks: z.array(z.string().max(2_000)).max(50),
  defaultConfig: field.plainConfig,
  checks: appChecks,
  cron: appCron,
});

export const buildResult: z.ZodType<BuildResult> = z
  .object({ slug, timingsMs: field.timings, sourceBytes: field.count, uploadedBytes: field.count })
  .transform(({ slug: made, ...stats }): BuildResult => ({ slug: made, stats }));

export const logLine: z.ZodType<LogLine> = z.object({
  atMs: field.count,
  source: z.enum(['app', 'slipway']).catch('slipway'),
  process: field.processLabel,
  message: z.string().max(field.MAX_LOG_MESSAGE_LENGTH),
});
