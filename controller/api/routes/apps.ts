import { z } from 'zod';
import { drawAppName } from '../app-name.ts';
import { instancesOf } from '../app-instances.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { userNames } from '../user-names.ts';
import { viewApp, viewRelease } from '../views.ts';
import { NEXT_PAGE_HEADER, type AppInfoBody } from '../../../shared/api/apps.ts';
import type { ConfigBody, ConfigChangedBody } from '../../../shared/api/releases.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { wantedCounts } from '../../../shared/domain/placement.ts';
import { slugSizeBytes } from '../../../shared/domain/slug.ts';
import { revealAll } from '../../../shared/kit/sensitive.ts';

const createBody = z.strictObject({ name: z.string().max(200).optional() });
const releasesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(15),
  /** Older than this version. */
  before: z.coerce.number().int().min(1).optional(),
});
/** `limit` apps in one answer; a header names where the next page begins. */
const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
  after: z.string().max(200).optional(),
});
/** `null` removes a variable, as in Heroku's API. */
const configBody = z
  .record(z.string(), z.string().nullable())
  .refine((vars) => Object.keys(vars).length > 0, 'at least one variable is needed');

const CONFIG_LIMIT_BYTES = 1024 * 1024;

export function appRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    listApps(config, deps),
    createApp(config, deps),
    appInfo(config, deps),
    listReleases(deps),
    ps(deps),
    getConfig(deps),
    patchConfig(deps),
  ];
}

function listApps(config: ApiConfig, { store }: ApiDeps): Route {
  return userRoute({
    method: 'GET',
    url: '/apps',
    auth: 'user',
    action: 'app.list',
    query: pageQuery,
    handle: async ({ user, query, reply }) => {
      const apps = await store.appPage({ ...query, ownerId: user.admin ? undefined : user.id });
      const last = apps.at(-1);
      if (last !== undefined && apps.length === query.limit) reply.header(NEXT_PAGE_HEADER, last.name);
      const nameOf = await userNames(
        store,
        apps.map((app) => app.ownerId),
      );
      return apps.map((app) => viewApp(app, nameOf(app.ownerId), config));
    },
  });
}

function createApp(config: ApiConfig, { store }: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/apps',
    auth: 'user',
    action: 'app.create',
    body: createBody,
    handle: async ({ user, body, reply }) => {
      const name = parseAppName(body.name ?? drawAppName());
      const app = await store.createApp({ name, ownerId: user.id, stack: config.defaultStack });
      reply.code(201);
      return viewApp(app, user.name, config);
    },
  });
}

function appInfo(config: ApiConfig, { store }: ApiDeps): Route {
  return appRoute({
    method: 'GET',
    url: '/apps/:app',
    auth: 'user',
    action: 'app.read',
    handle: async ({ app }) => {
      const [release, formation, { root }] = await Promise.all([
        store.currentRelease(app.id),
        store.formation(app.id),
        store.buildSettings(app.id),
      ]);
      const nameOf = await userNames(store, release === undefined ? [app.ownerId] : [app.ownerId, release.userId]);
      return {
        ...viewApp(app, nameOf(app.ownerId), config),
        release:
          release === undefined
            ? undefined
            : viewRelease({ ...release, commit: release.slug.commit }, nameOf(release.userId)),
        formation: release === undefined ? formation : wantedCounts(release.slug.processTypes, formation),
        slugSizeBytes: release === undefined ? undefined : slugSizeBytes(release.slug),
        buildpacks: release?.slug.buildpacks ?? [],
        root,
      } satisfies AppInfoBody;
    },
  });
}

function listReleases({ store }: ApiDeps): Route {
  return appRoute({
    method: 'GET',
    url: '/apps/:app/releases',
    auth: 'user',
    action: 'app.read',
    query: releasesQuery,
    handle: async ({ app, query }) => {
      const releases = await store.releaseLines(app.id, query);
      const nameOf = await userNames(
        store,
        releases.map((release) => release.userId),
      );
      return releases.map((release) => viewRelease(release, nameOf(release.userId)));
    },
  });
}

function ps(deps: ApiDeps): Route {
  return appRoute({
    method: 'GET',
    url: '/apps/:app/ps',
    auth: 'user',
    action: 'app.read',
    handle: ({ app }) => instancesOf(deps, app),
  });
}

function getConfig({ store }: ApiDeps): Route {
  return appRoute({
    method: 'GET',
    url: '/apps/:app/config',
    auth: 'user',
    action: 'app.read',
    handle: async ({ app }) => ({ config: revealAll(await store.config(app.id)) }) satisfies ConfigBody,
  });
}

function patchConfig({ store, releases }: ApiDeps): Route {
  return appRoute({
    method: 'PATCH',
    url: '/apps/:app/config',
    auth: 'user',
    action: 'app.write',
    body: configBody,
    bodyLimitBytes: CONFIG_LIMIT_BYTES,
    handle: async ({ app, user, body }) => {
      const changes = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value ?? undefined]));
      const { version, changed } = await releases.setConfig(app, user.id, changes);
      return { config: revealAll(await store.config(app.id)), version, changed } satisfies ConfigChangedBody;
    },
  });
}
