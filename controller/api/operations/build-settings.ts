import type { BuildSettingsChange } from '../../../shared/api/builds.ts';
import type { ProblemBody } from '../../../shared/api/schema.ts';
import { checkBuildLimits } from '../../../shared/domain/build-limits.ts';
import {
  editBuildpacks,
  parseBuildRoot,
  type BuildLimits,
  type BuildSettings,
} from '../../../shared/domain/build-settings.ts';
import type { Ceilings } from '../../../shared/domain/ceilings.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { cacheProblems } from '../older-agents.ts';

type Deps = Pick<ApiDeps, 'store' | 'log'>;

/** The change applies from the next push on. @throws SLIP_BUILD_LIMIT, SLIP_BUILD_ROOT, SLIP_BUILDPACK_* */
export async function changeBuildSettings(
  { store, log }: Deps,
  { app, user, change }: { readonly app: App; readonly user: User; readonly change: BuildSettingsChange },
): Promise<BuildSettings> {
  const ceilings = await store.limitCeilings();
  const after = await store.changeBuildSettings(app.id, (now) => changed(now, change, ceilings));
  const message = sayChange(after, change);
  noteEvent(
    { store, log },
    { kind: 'build.settings', actor: user.name, app: app.name, message, next: 'git push slipway main' },
  );
  return after;
}

/** No node has to be connected: a builder does not use a cache with another number. */
export async function purgeBuildCache(
  { store, fleet, log }: Deps & Pick<ApiDeps, 'fleet'>,
  { app, user }: { readonly app: App; readonly user: User },
): Promise<{ readonly problems: readonly ProblemBody[] }> {
  await store.changeBuildSettings(app.id, (now) => ({ ...now, cacheNumber: (now.cacheNumber ?? 0) + 1 }));
  const message = `${user.name} purged the build cache of ${app.name}.`;
  const event = { kind: 'build.cache-purged', actor: user.name, app: app.name, message, next: 'git push slipway main' };
  noteEvent({ store, log }, event);
  return { problems: cacheProblems(app.name, fleet.nodes()) };
}

function changed(
  now: BuildSettings,
  { root, buildpacks, limits }: BuildSettingsChange,
  ceilings: Ceilings,
): BuildSettings {
  return {
    ...now,
    root: root === undefined ? now.root : root === null ? undefined : parseBuildRoot(root),
    buildpacks: buildpacks === undefined ? now.buildpacks : editBuildpacks(now.buildpacks, buildpacks),
    limits: limits === undefined ? now.limits : changedLimits(now.limits, limits, ceilings),
  };
}

type LimitsChange = NonNullable<BuildSettingsChange['limits']>;

/** Only the limits of the request are checked, so that a lower ceiling does not break an app. */
function changedLimits(now: BuildLimits | undefined, change: LimitsChange, ceilings: Ceilings): BuildLimits {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const asked: BuildLimits = Object.fromEntries(given.map(([name, value]) => [name, value ?? undefined]));
  checkBuildLimits(asked, ceilings);
  return { ...now, ...asked };
}

/** Without names of buildpacks: a URL may hold a password. */
function sayChange(after: BuildSettings, { root, buildpacks, limits }: BuildSettingsChange): string {
  const words = [
    ...(root === undefined
      ? []
      : [after.root === undefined ? 'all of the repository' : `the folder ${after.root} of the repository`]),
    ...(buildpacks === undefined ? [] : [`${String(after.buildpacks.length)} buildpacks set`]),
    ...(limits === undefined ? [] : ['other limits']),
  ];
  return `The next push is built with ${words.join(' and ')}.`;
}
