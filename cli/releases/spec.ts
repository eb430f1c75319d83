import { PAGE_LIMIT_OPTION, type CommandSpec } from '../command-spec.ts';

export const RELEASES_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'releases',
    aliases: ['releases:list'],
    group: 'Deploys',
    summary: 'list the releases of an app',
    example: 'slipway releases -n 5 -a my-shop',
    options: [PAGE_LIMIT_OPTION],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).releases,
  },
  {
    name: 'promote',
    aliases: ['pipelines:promote'],
    group: 'Deploys',
    summary: 'release the code of an app in another app, without a build',
    example: 'slipway promote --to my-shop -a my-shop-staging',
    options: [['-t, --to <app>', 'the app that gets the code; it keeps its own config']],
    app: true,
    json: true,
    load: async () => (await import('./promote.ts')).promote,
  },
];
