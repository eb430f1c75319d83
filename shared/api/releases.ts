import { z } from 'zod';
import { RELEASE_CAUSES } from '../domain/release-cause.ts';
import { switchReport, UNCOUNTED_WHY } from '../domain/switch-figures.ts';
import { list, reason, rowLimit, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

export const releaseBody = z.object({
  version: z.number(),
  state: wordOf(['pending', 'deploying', 'current', 'superseded', 'failed']),
  description: z.string(),
  user: z.string(),
  commit: z.string(),
  /** These three are absent from older controllers. */
  cause: wordOf(RELEASE_CAUSES).optional(),
  /** The release whose slug this one has. */
  sourceVersion: z.number().optional(),
  pinned: z.boolean().optional(),
  createdAtMs: z.number(),
  failure: reason.optional(),
});
export type ReleaseBody = z.output<typeof releaseBody>;

/** How many requests failed while the traffic moved to a release. Absent: nobody counted, or nothing served before. */
export const switchFields = {
  switch: switchReport
    .extend({
      state: wordOf(['counting', 'final']),
      uncounted: list(z.object({ node: z.string(), why: wordOf(UNCOUNTED_WHY) })),
    })
    .optional(),
};

const configBody = z.object({
  config: z.record(z.string(), z.string()),
  /** Changes with every change of the config vars; absent from controllers that do not report it. */
  revision: z.string().optional(),
});
export type ConfigBody = z.output<typeof configBody>;

/** Answer to a change of config vars. */
const configChangedBody = configBody.extend({
  /** The release the change made; absent before the first deploy, and when nothing changed. */
  version: z.number().optional(),
  /** The names whose values changed; absent from controllers that do not report them. */
  changed: list(z.string()).optional(),
  ...switchFields,
});
export type ConfigChangedBody = z.output<typeof configChangedBody>;

const promotedBody = z.object({
  /** The app that got the slug. */
  app: z.string(),
  version: z.number(),
  /** The release whose slug it is. */
  from: z.object({ app: z.string(), version: z.number() }),
  commit: z.string(),
  /** Why scripts of app.json failed after the release was live; absent from older controllers. */
  failedScripts: list(z.string()).optional(),
  ...switchFields,
});
export type PromotedBody = z.output<typeof promotedBody>;

/** `null` removes a variable, as in Heroku's API. */
const configChanges = z
  .record(z.string(), z.string().nullable())
  .refine((vars) => Object.keys(vars).length > 0, 'at least one variable is needed');

export const releaseSpecs = {
  listReleases: {
    method: 'GET',
    path: '/apps/:app/releases',
    summary: 'List the releases of an app, newest first.',
    query: z.strictObject({
      limit: rowLimit(15),
      /** Older than this version. */
      before: z.coerce.number().int().min(1).optional(),
    }),
    answer: list(releaseBody),
  },
  showConfig: {
    method: 'GET',
    path: '/apps/:app/config',
    summary: 'Show the config vars of an app with their values.',
    answer: configBody,
  },
  changeConfig: {
    method: 'PATCH',
    path: '/apps/:app/config',
    summary: 'Set and remove config vars, and release the change.',
    query: z.strictObject({
      /** The change is refused when the config vars have another revision. */
      revision: z.string().max(64).optional(),
    }),
    body: configChanges,
    answer: configChangedBody,
  },
  promoteApp: {
    method: 'POST',
    path: '/apps/:app/promote',
    summary: 'Release the slug of the current release in another app, with the config vars of that app.',
    body: z.strictObject({
      /** Name of the other app. */
      to: z.string().max(100),
    }),
    answer: promotedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
