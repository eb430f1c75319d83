import type { ApiDeps } from '../deps.ts';
import { changeBuildSettings } from '../operations/build-settings.ts';
import { appRoute, type Route } from '../route.ts';

/** Which folder of an app is built, and by which buildpacks. */
export function buildSettingsRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showBuildSettings', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => deps.store.buildSettings(app.id),
    }),
    appRoute('changeBuildSettings', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body }) => changeBuildSettings(deps, { app, user, change: body }),
    }),
  ];
}
