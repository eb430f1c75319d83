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
      ['--admin', 'the user may manage users and nodes, and use every app'],
      ['--key <file>', 'the public SSH key of the user'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).addUser,
  },
];
