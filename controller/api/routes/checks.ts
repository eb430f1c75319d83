import type { ApiDeps } from '../deps.ts';
import { changedChecks, listChecks, runChecks } from '../operations/checks.ts';
import { appRoute, type Route } from '../route.ts';

/** The health checks of an app. */
export function checkRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listChecks', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => listChecks(deps, app),
    }),
    appRoute('runChecks', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, body, signal }) => runChecks(deps, { app, type: body.type, signal }),
    }),
    appRoute('setCheck', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params: { type }, body }) => {
        const change = { app, user, type };
        const { checkChanges } = deps;
        const made = 'check' in body ? checkChanges.set(change, body.check) : checkChanges.disable(change);
        return await changedChecks(deps, app, await made);
      },
    }),
    appRoute('unsetChecks', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params: { type } }) =>
        changedChecks(deps, app, await deps.checkChanges.unset({ app, user, type })),
    }),
  ];
}
