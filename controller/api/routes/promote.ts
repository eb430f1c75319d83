import type { ApiDeps } from '../deps.ts';
import { promote } from '../operations/promote.ts';
import { appRoute, type Route } from '../route.ts';

export function promoteRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('promoteApp', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body }) => {
        const { target, from, failedScripts, ...promoted } = await promote(deps, { app, user, to: body.to });
        return {
          ...promoted,
          app: target.name,
          from: { app: app.name, version: from },
          failedScripts: [...failedScripts],
        };
      },
    }),
  ];
}
