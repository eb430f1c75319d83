import type { CommandSpec } from './command-spec.ts';

/** Commands that destroy apps, and that list what nodes still hold of destroyed apps. */
export const DESTROY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'apps:destroy',
    args: '[app]',
    group: 'Apps',
    summary: 'destroy an app with everything of it',
    example: 'slipway apps:destroy -a my-shop --confirm my-shop',
    options: [['-c, --confirm <name>', "the app's name once more, instead of typing it when asked"]],
    app: true,
    json: true,
    load: async () => (await import('./commands/destroy.ts')).destroy,
  },
  {
    name: 'apps:destroyed',
    group: 'Fleet',
    summary: 'list the user ids of destroyed apps, and the nodes that still hold data of them (admin)',
    example: 'slipway apps:destroyed',
    json: true,
    load: async () => (await import('./commands/destroy.ts')).destroyed,
  },
];
