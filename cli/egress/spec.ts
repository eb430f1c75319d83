import type { CommandSpec } from '../command-spec.ts';

const APP: readonly [string, string] = ['-a, --app <name>', 'the list of this app (default: the list for all apps)'];

export const EGRESS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'egress',
    group: 'Fleet',
    summary: 'list the private networks that apps and their builds may reach',
    example: 'slipway egress -a my-shop',
    options: [APP],
    json: true,
    load: async () => (await import('./actions.ts')).list,
  },
  {
    name: 'egress:add',
    args: '<cidr>',
    group: 'Fleet',
    summary: 'let apps and their builds reach a private network or address (admin)',
    example: 'slipway egress:add 10.0.5.0/24 -a my-shop',
    options: [APP],
    json: true,
    load: async () => (await import('./actions.ts')).add,
  },
  {
    name: 'egress:remove',
    args: '<cidr>',
    group: 'Fleet',
    summary: 'close a private network for new connections (admin)',
    example: 'slipway egress:remove 10.0.5.0/24 -a my-shop',
    options: [APP],
    json: true,
    load: async () => (await import('./actions.ts')).remove,
  },
];
