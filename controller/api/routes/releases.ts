import { revealAll } from '../../../shared/kit/sensitive.ts';
import type { ApiDeps } from '../deps.ts';
import { collectGarbage } from '../operations/garbage.ts';
import {
  changeRetention,
  describeRelease,
  findRelease,
  pinRelease,
  readReleaseOutput,
  retentionOf,
  rollBack,
} from '../operations/releases.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { userNames } from '../user-names.ts';
import { viewRelease } from '../views.ts';

export function releaseRoutes(deps: ApiDeps): readonly Route[] {
  return [listReleases(deps), ...oneRelease(deps), rollback(deps), ...retention(deps), gc(deps)];
}

function listReleases({ store }: ApiDeps): Route {
  return appRoute('listReleases', {
    auth: 'user',
    action: 'app.read',
    handle: async ({ app, query }) => {
      const lines = await store.releaseLines(app.id, query);
      const userIds = lines.map((release) => release.userId);
      const nameOf = await userNames(store, userIds);
      return lines.map((release) => viewRelease(release, nameOf(release.userId)));
    },
  });
}

function oneRelease(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showRelease', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params }) => {
        const { release, user, ...details } = await describeRelease(deps, app, params.version);
        return { ...viewRelease({ ...release, commit: release.slug.commit }, user), ...details };
      },
    }),
    appRoute('showReleaseConfig', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params }) => ({
        config: revealAll((await findRelease(deps, app, params.version)).config),
      }),
    }),
    appRoute('showReleaseOutput', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app, params }) => readReleaseOutput(deps, app, params.version),
    }),
    appRoute('changeRelease', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params, body }) => {
        await pinRelease(deps, { app, user, version: params.version, pinned: body.pinned });
        return await retentionOf(deps, app);
      },
    }),
  ];
}

function rollback(deps: ApiDeps): Route {
  return appRoute('rollBack', {
    auth: 'user',
    action: 'app.write',
    handle: ({ app, user, body }) => rollBack(deps, { app, user, version: body.version }),
  });
}

function retention(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showRetention', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => retentionOf(deps, app),
    }),
    appRoute('changeRetention', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body }) => await changeRetention(deps, { app, user, slugs: body.slugs ?? undefined }),
    }),
  ];
}

function gc(deps: ApiDeps): Route {
  return userRoute('collectGarbage', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, body }) => ({
      dryRun: body.dryRun,
      ...(await collectGarbage(deps, { user, dryRun: body.dryRun })),
    }),
  });
}
