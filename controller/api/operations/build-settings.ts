import type { BuildSettingsChange } from '../../../shared/api/builds.ts';
import { editBuildpacks, parseBuildRoot, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';

/** The change applies from the next push on. */
export async function changeBuildSettings(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  { app, user, change }: { readonly app: App; readonly user: User; readonly change: BuildSettingsChange },
): Promise<BuildSettings> {
  const after = await store.changeBuildSettings(app.id, (now) => changed(now, change));
  const message = sayChange(after, change);
  noteEvent(
    { store, log },
    { kind: 'build.settings', actor: user.name, app: app.name, message, next: 'git push slipway main' },
  );
  return after;
}

function changed(now: BuildSettings, { root, buildpacks }: BuildSettingsChange): BuildSettings {
  return {
    root: root === undefined ? now.root : root === null ? undefined : parseBuildRoot(root),
    buildpacks: buildpacks === undefined ? now.buildpacks : editBuildpacks(now.buildpacks, buildpacks),
  };
}

/** Without names of buildpacks: a URL may hold a password. */
function sayChange(after: BuildSettings, { root, buildpacks }: BuildSettingsChange): string {
  const words = [
    ...(root === undefined
      ? []
      : [after.root === undefined ? 'all of the repository' : `the folder ${after.root} of the repository`]),
    ...(buildpacks === undefined ? [] : [`${String(after.buildpacks.length)} buildpacks set`]),
  ];
  return `The next push is built with ${words.join(' and ')}.`;
}
