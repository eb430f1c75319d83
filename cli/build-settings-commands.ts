import type { CommandSpec } from './command-spec.ts';

const INDEX: readonly [string, string] = ['-i, --index <number>', 'place in the list, the first is 1'];

/** What of a repository is built, and by which buildpacks. */
export const BUILD_SETTINGS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'apps:root',
    args: '[folder]',
    group: 'Apps',
    summary: 'show or set the folder of the repository that is built',
    example: 'slipway apps:root services/api -a my-shop',
    options: [['--clear', 'build all of the repository again']],
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).root,
  },
  {
    name: 'buildpacks',
    group: 'Apps',
    summary: 'list the buildpacks that are set for an app',
    example: 'slipway buildpacks -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).buildpacks,
  },
  {
    name: 'buildpacks:set',
    args: '<buildpack>',
    group: 'Apps',
    summary: 'set the first buildpack of an app, or the one at --index; it replaces the one there',
    example: 'slipway buildpacks:set heroku/nodejs -a my-shop',
    options: [INDEX],
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).set,
  },
  {
    name: 'buildpacks:add',
    args: '<buildpack>',
    group: 'Apps',
    summary: 'add a buildpack as the last one of an app, or at --index before the one there',
    example: 'slipway buildpacks:add --index 1 heroku-community/apt -a my-shop',
    options: [INDEX],
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).add,
  },
  {
    name: 'buildpacks:remove',
    args: '[buildpack]',
    group: 'Apps',
    summary: 'remove a buildpack from an app, by its name or its place',
    example: 'slipway buildpacks:remove heroku-community/apt -a my-shop',
    options: [INDEX],
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).remove,
  },
  {
    name: 'buildpacks:clear',
    group: 'Apps',
    summary: 'remove all buildpacks that are set for an app; app.json, .buildpacks or detection decide then',
    example: 'slipway buildpacks:clear -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/build-settings.ts')).clear,
  },
];
