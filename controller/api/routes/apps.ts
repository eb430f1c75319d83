import { NEXT_PAGE_HEADER } from '../../../shared/api/apps.ts';
import { revealAll } from '../../../shared/kit/sensitive.ts';
import { instancesOf } from '../app-instances.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { changeConfig, createApp, describeApp, listApps } from '../operations/apps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { viewApp, viewRelease } from '../views.ts';

const CONFIG_LIMIT_BYTES = 1024 * 1024;

export function appRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [...listAndCreate(config, deps), info(config, deps), instances(deps), ...configVars(deps)];
}

function listAndCreate(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    userRoute('listApps', {
      auth: 'user',
      action: 'app.list',
      handle: async ({ user, query, reply }) => {
        const { apps, next } = await listApps(deps, { user, ...query });
        if (next !== undefined) reply.header(NEXT_PAGE_HEADER, next);
        return apps.map(({ app, owner }) => viewApp(app, owner, config));
      },
    }),
    userRoute('createApp', {
      auth: 'user',
      action: 'app.create',
      handle: async ({ user, body }) => {
        const { app, owner } = await createApp(deps, { user, name: body.name, stack: config.defaultStack });
        return viewApp(app, owner, config);
      },
    }),
  ];
}

function info(config: ApiConfig, deps: ApiDeps): Route {
  return appRoute('showApp', {
    auth: 'user',
    action: 'app.read',
    handle: async ({ app }) => {
      const { owner, release, ...described } = await describeApp(deps, app);
      return {
        ...viewApp(app, owner, config),
        release:
          release === undefined
            ? undefined
            : viewRelease({ ...release.row, commit: release.row.slug.commit }, release.user),
        formation: described.formation,
        slugSizeBytes: described.slugSizeBytes,
        buildpacks: described.buildpacks,
        root: described.root,
      };
    },
  });
}

function instances(deps: ApiDeps): Route {
  return appRoute('listInstances', {
    auth: 'user',
    action: 'app.read',
    handle: ({ app }) => instancesOf(deps, app),
  });
}

function configVars(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showConfig', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => ({
        // The revision first: a change in between makes it too old, and then the caller notices the change.
        revision: await deps.store.configRevision(app.id),
        config: revealAll(await deps.store.config(app.id)),
      }),
    }),
    appRoute('changeConfig', {
      auth: 'user',
      action: 'app.write',
      bodyLimitBytes: CONFIG_LIMIT_BYTES,
      handle: ({ app, user, body, query }) => changeConfig(deps, { app, user, vars: body, revision: query.revision }),
    }),
  ];
}
