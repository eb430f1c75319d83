import type { ApiDeps } from '../deps.ts';
import { withoutCredentials, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import { changeBuildSettings, purgeBuildCache } from '../operations/build-settings.ts';
import { appRoute, type Route } from '../route.ts';

/** Which folder of an app is built, and by which buildpacks. */
export function buildSettingsRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showBuildSettings', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => viewSettings(await deps.store.buildSettings(app.id)),
    }),
    appRoute('changeBuildSettings', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body }) => viewSettings(await changeBuildSettings(deps, { app, user, change: body })),
    }),
    appRoute('purgeBuildCache', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user }) => purgeBuildCache(deps, { app, user }),
    }),
  ];
}

/** Without the credentials in URLs. */
function viewSettings({ root, buildpacks, limits }: BuildSettings): BuildSettings {
  return { root, buildpacks: buildpacks.map(withoutCredentials), limits };
}
