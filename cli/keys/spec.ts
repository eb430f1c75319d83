import type { CommandSpec } from '../command-spec.ts';

export const KEYS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'keys',
    aliases: ['keys:list'],
    group: 'Account',
    summary: 'list your SSH keys',
    example: 'slipway keys',
    json: true,
    load: async () => (await import('./actions.ts')).keys,
  },
  {
    name: 'keys:add',
    args: '[file]',
    group: 'Account',
    summary: 'add a public SSH key (default ~/.ssh/id_ed25519.pub)',
    example: 'slipway keys:add ~/.ssh/id_ed25519.pub',
    json: true,
    load: async () => (await import('./actions.ts')).addKey,
  },
  {
    name: 'keys:remove',
    args: '<key>',
    group: 'Account',
    summary: 'remove an SSH key by its fingerprint or comment',
    example: 'slipway keys:remove ada@laptop',
    load: async () => (await import('./actions.ts')).removeKey,
  },
];
