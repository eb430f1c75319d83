import { z } from 'zod';
import { editBuildpacks, parseBuildRoot, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { appRoute, type Route } from '../route.ts';

const name = z.string().max(4000);
const index = z.number().int().optional();
const edit = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['set', 'add']), name, index }),
  z.strictObject({ op: z.literal('remove'), name: name.optional(), index }),
  z.strictObject({ op: z.literal('clear') }),
]);
/** `null`: all of the repository again. */
const changeBody = z
  .strictObject({ root: z.string().max(4000).nullable().optional(), buildpacks: edit.optional() })
  .refine(
    ({ root, buildpacks }) => root !== undefined || buildpacks !== undefined,
    'a root or a change of buildpacks is needed',
  );

/** Which folder of an app is built, and by which buildpacks. A change counts from the next push on. */
export function buildSettingsRoutes({ store, log }: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'GET',
      url: '/apps/:app/build-settings',
      auth: 'user',
      action: 'app.read',
      handle: ({ app }): Promise<BuildSettings> => store.buildSettings(app.id),
    }),
    appRoute({
      method: 'PATCH',
      url: '/apps/:app/build-settings',
      auth: 'user',
      action: 'app.write',
      body: changeBody,
      handle: async ({ app, user, body }): Promise<BuildSettings> => {
        const after = await store.changeBuildSettings(app.id, (now) => changed(now, body));
        const message = sayChange(after, body);
        noteEvent(
          { store, log },
          { kind: 'build.settings', actor: user.name, app: app.name, message, next: 'git push slipway main' },
        );
        return after;
      },
    }),
  ];
}

type Change = z.output<typeof changeBody>;

function changed(now: BuildSettings, { root, buildpacks }: Change): BuildSettings {
  return {
    root: root === undefined ? now.root : root === null ? undefined : parseBuildRoot(root),
    buildpacks: buildpacks === undefined ? now.buildpacks : editBuildpacks(now.buildpacks, buildpacks),
  };
}

/** Without names of buildpacks: a URL may hold a password. */
function sayChange(after: BuildSettings, { root, buildpacks }: Change): string {
  const words = [
    ...(root === undefined
      ? []
      : [after.root === undefined ? 'all of the repository' : `the folder ${after.root} of the repository`]),
    ...(buildpacks === undefined ? [] : [`${String(after.buildpacks.length)} buildpacks set`]),
  ];
  return `The next push is built with ${words.join(' and ')}.`;
}
