import type { ApiDeps } from '../deps.ts';
import { abortDeploy, describeDeploy } from '../operations/deploys.ts';
import { appRoute, type Route } from '../route.ts';

export function deployRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showDeploy', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => describeDeploy(deps, app),
    }),
    appRoute('abortDeploy', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user }) => abortDeploy(deps, { app, user }),
    }),
  ];
}
