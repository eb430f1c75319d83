import { z } from 'zod';
import { releaseBody } from './releases.ts';
import { list, rowLimit } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** Header of an answer with one part of a list. Its value is the `after` of the next part. Absent: this part is the last. */
export const NEXT_PAGE_HEADER = 'slipway-next';

export const stoppedBody = z.union([z.literal('all'), list(z.string())]);

/** Who locked the deploys of an app, and why. */
export const lockBody = z.object({ why: z.string(), by: z.string(), atMs: z.number() });

export const appBody = z.object({
  name: z.string(),
  owner: z.string(),
  stack: z.string(),
  createdAtMs: z.number(),
  webUrl: z.string(),
  gitUrl: z.string(),
  /** What `ps:stop` stopped; absent: nothing. */
  stopped: stoppedBody.optional(),
  /** Present while deploys are refused. */
  lock: lockBody.optional(),
  /** True while the proxies answer with a maintenance page. Absent from an older controller. */
  maintenance: z.boolean().optional(),
});
export type AppBody = z.output<typeof appBody>;

const count = z.union([z.number(), z.literal('all')]);

const appInfoBody = appBody.extend({
  /** The current release; absent before the first deploy. */
  release: releaseBody.optional(),
  formation: z.record(z.string(), count),
  slugSizeBytes: z.number().optional(),
  /** Of the current release. */
  buildpacks: list(z.string()),
  /** The folder of the repository that the next push builds; absent: all of it. */
  root: z.string().optional(),
});
export type AppInfoBody = z.output<typeof appInfoBody>;

/** A node that may still hold data of a destroyed app. */
const awaitedNodeBody = z.object({
  node: z.string(),
  /** Why the node has not confirmed that it holds no data: a sentence without a period, and the command that helps. */
  why: z.string(),
});

/** What is left of a destroyed app: its range of user ids. */
const destroyedAppBody = z.object({
  name: z.string(),
  /** First of its 65536 user ids. */
  uidBase: z.number(),
  destroyedAtMs: z.number(),
  /** When the range became free for another app; absent: it is in quarantine. */
  freeAtMs: z.number().optional(),
  awaited: list(awaitedNodeBody),
});
export type DestroyedAppBody = z.output<typeof destroyedAppBody>;

/** `limit` apps in one answer; a header names the start of the next page. */
const pageQuery = z.strictObject({ limit: rowLimit(1000), after: z.string().max(200).optional() });

export const appSpecs = {
  listApps: {
    method: 'GET',
    path: '/apps',
    summary: 'List the apps of the caller; for an administrator, all apps.',
    query: pageQuery,
    answer: list(appBody),
  },
  createApp: {
    method: 'POST',
    path: '/apps',
    summary: 'Create an app. Without a name, it gets one.',
    status: 201,
    body: z.strictObject({ name: z.string().max(200).optional() }),
    answer: appBody,
  },
  showApp: { method: 'GET', path: '/apps/:app', summary: 'Show an app and its current release.', answer: appInfoBody },
  destroyApp: {
    method: 'DELETE',
    path: '/apps/:app',
    summary: 'Destroy an app with its releases, builds and repository.',
    answer: appBody,
  },
  listDestroyedApps: {
    method: 'GET',
    path: '/destroyed-apps',
    summary: 'List destroyed apps and the nodes that may still hold their data.',
    query: z.strictObject({ limit: rowLimit(100) }),
    answer: list(destroyedAppBody),
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
