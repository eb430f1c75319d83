import { z } from 'zod';
import type { BuildpackEdit, BuildSettings } from '../domain/build-settings.ts';
import { BUILD_BYTES_MIN, BUILD_TIMEOUT_MAX_MS, BUILD_TIMEOUT_MIN_MS } from '../domain/build-limits.ts';
import { list, problemBody, queryFlag, reason, rowLimit, textRecord, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const buildBody = z.object({
  id: z.string(),
  state: wordOf(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  commit: z.string(),
  user: z.string(),
  createdAtMs: z.number(),
  finishedAtMs: z.number().optional(),
  failure: reason.optional(),
  timingsMs: z.record(z.string(), z.number()),
});
export type BuildBody = z.output<typeof buildBody>;

const buildSettingsBody = z.object({
  root: z.string().optional(),
  buildpacks: list(z.string()),
  /** Only the limits that differ from the defaults. Absent from an older controller, and when none differs. */
  limits: z
    .object({
      memoryBytes: z.number().optional(),
      diskBytes: z.number().optional(),
      timeoutMs: z.number().optional(),
    })
    .optional(),
}) satisfies z.ZodType<BuildSettings>;

const bytes = z.number().int().min(BUILD_BYTES_MIN).max(Number.MAX_SAFE_INTEGER).nullable().optional();

/** `null`: the default again. */
const buildLimits = z
  .strictObject({
    memoryBytes: bytes,
    diskBytes: bytes,
    timeoutMs: z.number().int().min(BUILD_TIMEOUT_MIN_MS).max(BUILD_TIMEOUT_MAX_MS).nullable().optional(),
  })
  .refine((limits) => Object.values(limits).some((value) => value !== undefined), 'at least one limit is needed');

const name = z.string().max(4000);
const index = z.number().int().optional();
const buildpackEdit = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['set', 'add']), name, index }),
  z.strictObject({ op: z.literal('remove'), name: name.optional(), index }),
  z.strictObject({ op: z.literal('clear') }),
]) satisfies z.ZodType<BuildpackEdit>;

/** `root: null`: the whole repository again. */
const buildSettingsChange = z
  .strictObject({
    root: z.string().max(4000).nullable().optional(),
    buildpacks: buildpackEdit.optional(),
    limits: buildLimits.optional(),
  })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'a root, a change of buildpacks or limits are needed',
  );
export type BuildSettingsChange = z.output<typeof buildSettingsChange>;

/** Which nodes build. */
const buildersBody = z.object({
  /** Empty: every node whose agent is set to build. */
  require: textRecord,
  nodes: list(
    z.object({
      name: z.string(),
      /** Why this node does not build, in words that follow its name; absent for a node that builds. */
      whyNot: z.string().optional(),
    }),
  ),
});
export type BuildersBody = z.output<typeof buildersBody>;

const MAX_LABELS = 20;
export const labelRule = z.strictObject({
  require: z
    .record(z.string().max(100), z.string().max(100))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS),
});

export const buildSpecs = {
  listBuilds: {
    method: 'GET',
    path: '/apps/:app/builds',
    summary: 'List the builds of an app, newest first.',
    query: z.strictObject({ limit: rowLimit(15) }),
    answer: list(buildBody),
  },
  showBuild: { method: 'GET', path: '/apps/:app/builds/:id', summary: 'Show one build.', answer: buildBody },
  readBuildOutput: {
    method: 'GET',
    path: '/apps/:app/builds/:id/output',
    summary: 'Read the output of a build. With follow=true, the answer ends with the build.',
    query: z.strictObject({ follow: queryFlag }),
    answerType: 'application/octet-stream',
  },
  cancelBuild: {
    method: 'POST',
    path: '/apps/:app/builds/:id/cancel',
    summary: 'Cancel a running build. Its push is refused.',
    answer: buildBody,
  },
  showBuildSettings: {
    method: 'GET',
    path: '/apps/:app/build-settings',
    summary: 'Show the folder and the buildpacks that the next push uses.',
    answer: buildSettingsBody,
  },
  changeBuildSettings: {
    method: 'PATCH',
    path: '/apps/:app/build-settings',
    summary: 'Change the folder or the buildpacks that the next push uses.',
    body: buildSettingsChange,
    answer: buildSettingsBody,
  },
  purgeBuildCache: {
    method: 'DELETE',
    path: '/apps/:app/build-cache',
    summary: 'Let the next build start with an empty cache.',
    answer: z.object({
      /** Nodes whose agents keep their caches. */
      problems: list(problemBody),
    }),
  },
  showBuilders: { method: 'GET', path: '/builders', summary: 'Show which nodes build.', answer: buildersBody },
  setBuilders: {
    method: 'PUT',
    path: '/builders',
    summary: 'Set the labels that a node must have to build.',
    body: labelRule,
    answer: buildersBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
