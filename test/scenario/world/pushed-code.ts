import type { CronEntry } from '../../../shared/domain/cron.ts';
import type { Digest } from '../../../shared/domain/ids.ts';
import type { Slug } from '../../../shared/domain/slug.ts';

export interface PushedCode {
  readonly slug: Slug;
  /** Of app.json. */
  readonly scripts: object | undefined;
}

/** `predeploy` and `postdeploy` are Dokku's scripts of app.json, `setup` is Heroku's. All other names are process types. */
export function codeFor(
  commands: Readonly<Record<string, string>>,
  commit: string,
  cron: readonly CronEntry[] = [],
): PushedCode {
  const { predeploy, setup, postdeploy, ...processTypes } = commands;
  const hasScripts = [predeploy, setup, postdeploy].some((command) => command !== undefined);
  const scripts = hasScripts ? { postdeploy: setup, dokku: { predeploy, postdeploy } } : undefined;
  return { slug: slugFor(processTypes, commit, cron), scripts };
}

function slugFor(processTypes: Readonly<Record<string, string>>, commit: string, cron: readonly CronEntry[]): Slug {
  return {
    layers: [{ name: 'app', digest: `sha256:${commit.padEnd(64, '0')}` as Digest, sizeBytes: 1000, shared: false }],
    ...{ processTypes, stack: 'host', platform: 'debian-12-x64', commit, buildpacks: ['Test'], defaultConfig: {} },
    ...(cron.length === 0 ? {} : { cron }),
  };
}
