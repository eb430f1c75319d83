import { PAGE_LIMIT_OPTION, type CommandSpec } from '../command-spec.ts';

export const BUILDS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'builds',
    aliases: ['builds:list'],
    group: 'Deploys',
    summary: 'list the builds of an app',
    example: 'slipway builds -a my-shop',
    options: [PAGE_LIMIT_OPTION],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).builds,
  },
  {
    name: 'builds:output',
    args: '[id]',
    group: 'Deploys',
    summary: 'show the output of a build (default: the newest build)',
    example: 'slipway builds:output -a my-shop',
    options: [['--raw', 'print control characters unchanged']],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).buildOutput,
  },
];
