import type { CommandSpec } from '../command-spec.ts';

export const TOKENS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'tokens',
    group: 'Account',
    summary: 'list your API tokens',
    example: 'slipway tokens',
    json: true,
    load: async () => (await import('./actions.ts')).tokens,
  },
  {
    name: 'tokens:revoke',
    args: '<id>',
    group: 'Account',
    summary: 'revoke one of your API tokens',
    example: 'slipway tokens:revoke 4f9c21ab93d0',
    load: async () => (await import('./actions.ts')).revokeToken,
  },
];
