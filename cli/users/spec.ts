import type { CommandSpec } from '../command-spec.ts';

export const USERS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'users',
    group: 'Account',
    summary: 'list the users of the fleet (admin)',
    example: 'slipway users',
    json: true,
    load: async () => (await import('./actions.ts')).users,
  },
  {
    name: 'users:add',
    args: '<name>',
    group: 'Account',
    summary: 'add a user and print their first token (admin)',
    example: 'slipway users:add ada --key ada.pub',
    options: [
      ['--admin', 'they may manage users and nodes, and use every app'],
      ['--key <file>', 'their public SSH key'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).addUser,
  },
];
