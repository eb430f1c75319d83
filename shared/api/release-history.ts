import { z } from 'zod';
import { SLUGS_KEPT_MAX } from '../domain/history.ts';
import { checkBody } from './checks.ts';
import { releaseBody, switchFields } from './releases.ts';
import { list, textRecord } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const versionNumber = z.number().int().min(1);

const releaseDetails = releaseBody.extend({
  processTypes: textRecord,
  buildpacks: list(z.string()),
  stack: z.string(),
  /** Compressed size of the slug. */
  sizeBytes: z.number(),
  configNames: list(z.string()),
  /** By process type: those of checks:set in the place of those in app.json. Absent from older controllers. */
  checks: z.record(z.string(), list(checkBody)).optional(),
  /** A rollback can restore it. */
  restorable: z.boolean(),
  /** Its release phase has an output. */
  hasOutput: z.boolean(),
  build: z.string().optional(),
  ...switchFields,
});
export type ReleaseDetails = z.output<typeof releaseDetails>;

const rolledBack = z.object({
  /** The new release. */
  version: z.number(),
  /** The release whose slug and config it has. */
  to: z.number(),
  commit: z.string(),
  /** Names of the config vars whose values changed. */
  changed: list(z.string()),
  /** Process types whose health checks of checks:set changed. Absent from older controllers. */
  changedChecks: list(z.string()).optional(),
  /** The release that served before. Absent when there was none. */
  from: z.number().optional(),
  ...switchFields,
});
export type RolledBackBody = z.output<typeof rolledBack>;

const retention = z.object({
  /** How many slugs before the current one are kept. */
  slugs: z.number(),
  isDefault: z.boolean(),
  /** Versions that a rollback can restore, newest first. */
  restorable: list(z.number()),
  /** Newest first. */
  pinned: list(z.number()),
});
export type RetentionBody = z.output<typeof retention>;

const ofApp = z.object({ app: z.string(), versions: list(z.number()) });

const garbage = z.object({
  dryRun: z.boolean(),
  /** Bytes on the disk of the controller. */
  sizeBytes: z.number(),
  images: list(
    z.object({
      digest: z.string(),
      sizeBytes: z.number(),
      /** Releases that had the image. None: the build failed, or the release was removed. */
      releases: list(ofApp),
    }),
  ),
  /** Releases that lose their slug: a rollback cannot restore them after that. */
  releases: list(ofApp),
});
export type GarbageBody = z.output<typeof garbage>;

export const releaseHistorySpecs = {
  showRelease: {
    method: 'GET',
    path: '/apps/:app/releases/:version',
    summary:
      'Show a release with its process types, its buildpacks, its health checks and the names of its config vars.',
    answer: releaseDetails,
  },
  showReleaseConfig: {
    method: 'GET',
    path: '/apps/:app/releases/:version/config-vars',
    summary: 'Show the config vars of a release with their values.',
    answer: z.object({ config: textRecord }),
  },
  showReleaseOutput: {
    method: 'GET',
    path: '/apps/:app/releases/:version/output',
    summary: 'Show the output of the release phase.',
    answer: z.object({ version: z.number(), output: z.string() }),
  },
  rollBack: {
    method: 'POST',
    path: '/apps/:app/rollback',
    summary: 'Make a new release with the slug, the config and the health checks of a former one.',
    body: z.strictObject({
      /** Absent: the release that served before the current one. */
      version: versionNumber.optional(),
    }),
    answer: rolledBack,
  },
  changeRelease: {
    method: 'PATCH',
    path: '/apps/:app/releases/:version',
    summary: 'Pin a release, so that its slug is kept for ever, or unpin it.',
    body: z.strictObject({ pinned: z.boolean() }),
    answer: retention,
  },
  showRetention: {
    method: 'GET',
    path: '/apps/:app/retention',
    summary: 'Show how many slugs of an app are kept, and which releases can be restored.',
    answer: retention,
  },
  changeRetention: {
    method: 'PATCH',
    path: '/apps/:app/retention',
    summary: 'Change how many slugs of an app are kept; null sets the default.',
    body: z.strictObject({ slugs: z.number().int().min(0).max(SLUGS_KEPT_MAX).nullable() }),
    answer: retention,
  },
  collectGarbage: {
    method: 'POST',
    path: '/gc',
    summary: 'Remove the slugs that no app keeps and the images that no release uses, or list them.',
    body: z.strictObject({ dryRun: z.boolean() }),
    answer: garbage,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
