import { z } from 'zod';
import {
  isDigest,
  isId,
  type AppId,
  type BuildId,
  type Digest,
  type InstanceId,
  type NodeId,
  type TaskId,
  type UserId,
} from '../../../shared/domain/ids.ts';
import { parseAppName, parseNodeName, parseProcessType, parseUserName } from '../../../shared/domain/names.ts';
import { CEILING_NAMES } from '../../../shared/domain/ceilings.ts';
import { cronEntries } from '../../../shared/domain/cron.ts';
import { deployScripts } from '../../../shared/domain/deploy-scripts.ts';
import { checkList, healthChecks } from '../../../shared/domain/health-check.ts';
import { QUOTA_NAMES } from '../../../shared/domain/quota.ts';
import { RELEASE_CAUSES } from '../../../shared/domain/release-cause.ts';
import { switchReport } from '../../../shared/domain/switch-figures.ts';
import { TASK_KINDS } from '../../../shared/domain/task.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { sealAll } from '../../../shared/kit/sensitive.ts';

/** Checks rows and converts them to domain types. */

const brandedId = <T extends string>(): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'string' && isId(value), 'an id');
const appId = brandedId<AppId>();
const userId = brandedId<UserId>();
const nodeId = brandedId<NodeId>();
const buildId = brandedId<BuildId>();
const taskId = brandedId<TaskId>();
const instanceId = brandedId<InstanceId>();
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'a digest');

export const whole = z.number().int();
export const flag = z.number().transform((value) => value === 1);
const strings = z.record(z.string(), z.string());
const numbers = z.record(z.string(), z.number());
const optional = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);

/** A text column that holds JSON of this shape. */
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(schema);

const failure = z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() });
const askedLimits = { memoryBytes: whole, pidsMax: whole, diskBytes: whole, diskInodes: whole };
/** Old rows have no limit of processors. */
const limits = z.strictObject({ ...askedLimits, cpuMillis: whole.default(0) });
const layer = z.strictObject({ name: z.string(), digest, sizeBytes: whole, shared: z.boolean() });
const slug = z.strictObject({
  layers: z.array(layer).min(1),
  processTypes: strings,
  stack: z.string(),
  platform: z.string(),
  commit: z.string(),
  buildpacks: z.array(z.string()),
  defaultConfig: strings,
  checks: healthChecks.optional(),
  cron: cronEntries.optional(),
  scripts: deployScripts.optional(),
});

export const userRow = z.object({
  id: userId,
  name: z.string().transform(parseUserName),
  admin: flag,
  createdAtMs: whole,
});
export const sshKeyRow = z.strictObject({
  fingerprint: z.string(),
  userId,
  publicKey: z.string(),
  comment: z.string(),
  createdAtMs: whole,
});
export const apiTokenRow = z.object({
  id: z.string(),
  userId,
  description: z.string(),
  createdAtMs: whole,
  expiresAtMs: optional(whole),
});
export const appRow = z.strictObject({
  id: appId,
  name: z.string().transform(parseAppName),
  ownerId: userId,
  uidBase: whole,
  stack: z.string(),
  createdAtMs: whole,
  lostAfterMs: optional(whole).transform((ms) => (ms === 0 ? ('never' as const) : ms)),
  releasesKept: optional(whole),
  stopped: optional(json(z.union([z.literal('all'), z.array(z.string().transform(parseProcessType))]))),
  lock: optional(json(z.strictObject({ why: z.string(), by: z.string(), atMs: whole }))),
  maintenance: flag,
});
export const destroyedAppRow = z
  .object({
    appId,
    name: z.string().transform(parseAppName),
    uidBase: whole,
    destroyedAtMs: whole,
    freeAtMs: optional(whole),
  })
  .extend({ awaited: json(z.array(nodeId)) });
export const awaitedAppRow = z.object({ nodeId, appId, uidBase: whole });
export const buildRow = z
  .strictObject({
    seq: whole,
    id: buildId,
    appId,
    userId,
    commitHash: z.string(),
    state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    createdAtMs: whole,
    finishedAtMs: optional(whole),
    failure: optional(json(failure)),
    timingsMs: json(numbers),
  })
  .transform(({ seq: _seq, commitHash, ...rest }) => ({ ...rest, commit: commitHash }));
export const taskRow = z
  .strictObject({
    seq: whole,
    id: taskId,
    kind: z.enum(TASK_KINDS),
    appId,
    nodeId,
    buildId: optional(buildId),
    state: z.enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
    createdAtMs: whole,
    startedAtMs: optional(whole),
    finishedAtMs: optional(whole),
    failure: optional(json(failure)),
  })
  .transform(({ seq: _seq, ...task }) => task);
export const releaseRow = z.strictObject({
  appId,
  version: whole,
  state: z.enum(['pending', 'deploying', 'current', 'superseded', 'failed']),
  slug: json(slug),
  config: json(strings).transform(sealAll),
  buildId: optional(buildId),
  userId,
  description: z.string(),
  ref: optional(z.string()),
  cause: z.enum(RELEASE_CAUSES),
  sourceVersion: optional(whole),
  pinned: flag,
  createdAtMs: whole,
  failure: optional(json(failure)),
  checks: optional(json(healthChecks)),
});
/** A release without slug and config. */
export const releaseLineRow = releaseRow
  .pick({ appId: true, version: true, state: true, createdAtMs: true, failure: true, description: true, userId: true })
  .extend(releaseRow.pick({ cause: true, sourceVersion: true, pinned: true }).shape)
  .extend({ commit: z.string() });
export const currentLineRow = releaseLineRow.extend({ processTypes: json(strings) });
export const nodeRow = z.strictObject({
  id: nodeId,
  name: z.string().transform(parseNodeName),
  certificateSerial: z.string(),
  state: z.enum(['joined', 'ready', 'unreachable', 'removed']),
  labels: json(strings),
  facts: optional(json(z.record(z.string(), z.unknown()))),
  joinedAtMs: whole,
  generation: whole,
  cordoned: flag,
  drainUntilMs: optional(whole),
  lostAtMs: optional(whole),
  certificateNotAfterMs: optional(whole),
  revokedAtMs: optional(whole),
});
export const nodeGenerationRow = nodeRow.pick({ id: true, state: true, generation: true });
export const joinTokenRow = z.strictObject({
  id: z.string(),
  labels: json(strings),
  createdAtMs: whole,
  createdBy: z.string(),
  expiresAtMs: whole,
  rejoins: optional(z.string()),
});
export const eventRow = z
  .strictObject({
    seq: whole,
    atMs: whole,
    kind: z.string(),
    actor: z.string(),
    appId: z.string().nullable(),
    app: optional(z.string()),
    node: optional(z.string()),
    instance: optional(z.string()),
    message: z.string(),
    next: optional(z.string()),
    details: optional(json(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))),
  })
  .transform(({ appId: _appId, ...rest }) => rest);
export const assignmentRow = z
  .strictObject({
    instanceId,
    nodeId,
    appId,
    release: whole,
    processType: z.string().transform(parseProcessType),
    ordinal: whole,
    limits: json(limits),
    desired: z.enum(['run', 'standby', 'stop']),
    createdAtMs: whole,
    replaces: optional(instanceId),
    moveReason: optional(z.enum(['drain', 'lost', 'rebalance', 'restart'])),
  })
  .transform(({ replaces, moveReason, ...row }) => ({
    ...row,
    ...(replaces === undefined ? {} : { replaces }),
    ...(moveReason === undefined ? {} : { moveReason }),
  }));
export const promiseRow = z.strictObject({ nodeId, memoryBytes: whole, leavingBytes: whole });
export const processSettingsRow = z
  .strictObject({
    appId,
    processType: z.string(),
    placement: optional(
      json(z.strictObject({ require: strings, spread: z.string().optional(), onFull: z.enum(['wait', 'stop-first']) })),
    ),
    limits: optional(json(z.strictObject({ ...askedLimits, cpuMillis: whole }).partial())),
  })
  .transform(({ processType, placement, limits: own }) => ({
    processType,
    settings: { ...(placement === undefined ? {} : { placement }), ...(own === undefined ? {} : { limits: own }) },
  }));
export const egressRow = z.strictObject({
  app: optional(z.string().transform(parseAppName)),
  uidBase: optional(whole),
  cidr: z.string(),
});
export const runningRow = z.strictObject({
  ...{ instanceId, nodeId, appId, release: whole },
  ...{ processType: z.string().transform(parseProcessType), desired: z.enum(['run', 'standby', 'stop']) },
});
export const healthChecksColumn = json(checkList);
export const labelsColumn = json(strings);
export const ceilingsColumn = json(z.partialRecord(z.enum(CEILING_NAMES), whole));
export const quotasColumn = json(z.partialRecord(z.enum(QUOTA_NAMES), whole));
export const digestColumn = digest;
export const userIdColumn = userId;
export const appIdColumn = appId;
export const nodeIdColumn = nodeId;

/** @throws SLIP_STORE_ROW when another program has changed the file */
export function parseRow<T extends z.ZodType>(schema: T, row: unknown): z.output<T> {
  try {
    return schema.parse(row);
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_STORE_ROW',
      kind: 'bug',
      message: 'A row of the database is not valid.',
      hint: 'If the database was edited by hand, restore the latest backup.',
      cause,
    });
  }
}

export function parseRows<T extends z.ZodType>(schema: T, rows: readonly unknown[]): readonly z.output<T>[] {
  return rows.map((row) => parseRow(schema, row));
}

export function parseRowIfAny<T extends z.ZodType>(schema: T, row: unknown): z.output<T> | undefined {
  return row === undefined ? undefined : parseRow(schema, row);
}

export const countingSwitchRow = z.strictObject({ appId, release: whole, begun: json(z.array(nodeId)) });

export const switchReportRow = z.strictObject({ report: optional(json(switchReport)) });
