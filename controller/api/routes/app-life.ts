import { PAGE_BYTES_MAX } from '../../../shared/domain/fleet-routes.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { describeMaintenance, lockApp, renameApp, setMaintenance, unlockApp } from '../operations/app-life.ts';
import { createRateLimit } from '../rate-limit.ts';
import { appRoute, type Route } from '../route.ts';
import { viewApp } from '../views.ts';

/** JSON may write a byte of the page with six characters. */
const PAGE_BODY_BYTES = 8 * PAGE_BYTES_MAX;

/** Each start of maintenance can reload every proxy of the fleet. An end is always possible. */
const STARTS_OF_APP = {
  ...{ count: 20, perMs: 10 * 60_000 },
  message: 'The maintenance of this app was started too often in ten minutes.',
};
const STARTS_OF_USER = {
  ...{ count: 100, perMs: 10 * 60_000 },
  message: 'You started the maintenance of apps too often in ten minutes.',
};

/** Decisions about a whole app. */
export function appLifeRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    appRoute('renameApp', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body, signal }) => {
        const { owner, problems, app: renamed } = await renameApp(deps, { app, user, name: body.name, signal });
        return { ...viewApp(renamed, owner, config), problems };
      },
    }),
    ...stopRoutes(deps),
    ...lockRoutes(deps),
    ...maintenanceRoutes(deps),
  ];
}

function stopRoutes({ formations }: ApiDeps): readonly Route[] {
  return [
    appRoute('stopApp', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body, signal }) => formations.stop(app, user, { type: body.process, signal }),
    }),
    appRoute('startApp', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body, signal }) => formations.start(app, user, { type: body.process, signal }),
    }),
  ];
}

function lockRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('lockApp', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body }) => lockApp(deps, { app, user, why: body.why }),
    }),
    appRoute('unlockApp', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user }) => {
        await unlockApp(deps, { app, user });
        return undefined;
      },
    }),
  ];
}

function maintenanceRoutes(deps: ApiDeps): readonly Route[] {
  const [ofApp, ofUser] = [createRateLimit(STARTS_OF_APP, deps.clock), createRateLimit(STARTS_OF_USER, deps.clock)];
  return [
    appRoute('showMaintenance', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => describeMaintenance(deps, app),
    }),
    appRoute('startMaintenance', {
      auth: 'user',
      action: 'app.write',
      bodyLimitBytes: PAGE_BODY_BYTES,
      handle: async ({ app, user, body, signal }) => {
        ofApp.count(app.id);
        ofUser.count(user.id);
        return await setMaintenance(deps, { app, user, maintenance: body, signal });
      },
    }),
    appRoute('endMaintenance', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, signal }) => setMaintenance(deps, { app, user, maintenance: undefined, signal }),
    }),
  ];
}
