import type { CommandSpec } from './command-spec.ts';

const TTL: readonly [string, string] = [
  '--ttl <duration>',
  'how long it can be used, e.g. 15m or 2h (default 15m, at most 24h)',
];

/** Who a node is, and the tokens that lead into the fleet. */
export const IDENTITY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'nodes:revoke',
    args: '<node>',
    group: 'Fleet',
    summary: 'cut a node off: its certificate is worth nothing from now on (admin)',
    example: 'slipway nodes:revoke fra-1',
    load: async () => (await import('./commands/identity.ts')).revoke,
  },
  {
    name: 'nodes:rejoin',
    args: '<node>',
    group: 'Fleet',
    summary: 'make a token that gives a lost, expired or revoked node a new certificate (admin)',
    example: 'slipway nodes:rejoin fra-1',
    options: [TTL, ['--quiet', 'print the token alone']],
    json: true,
    load: async () => (await import('./commands/identity.ts')).rejoin,
  },
  {
    name: 'nodes:tokens',
    group: 'Fleet',
    summary: 'list the join tokens that can still be used (admin)',
    example: 'slipway nodes:tokens',
    json: true,
    load: async () => (await import('./commands/identity.ts')).joinTokens,
  },
  {
    name: 'nodes:tokens:revoke',
    args: '<id>',
    group: 'Fleet',
    summary: 'take a join token back (admin)',
    example: 'slipway nodes:tokens:revoke 4f9c21ab',
    load: async () => (await import('./commands/identity.ts')).revokeJoinToken,
  },
  {
    name: 'quotas',
    group: 'Account',
    summary: 'show how many apps, keys, domains and the like you may have',
    example: 'slipway quotas',
    json: true,
    load: async () => (await import('./commands/quotas.ts')).quotas,
  },
  {
    name: 'users:quotas',
    args: '<user> [changes...]',
    group: 'Account',
    summary: "show or change a user's quotas (admin)",
    example: 'slipway users:quotas ada apps=200 keys=default',
    json: true,
    load: async () => (await import('./commands/quotas.ts')).userQuotas,
  },
  {
    name: 'tokens',
    group: 'Account',
    summary: 'list your API tokens',
    example: 'slipway tokens',
    json: true,
    load: async () => (await import('./commands/identity.ts')).tokens,
  },
  {
    name: 'tokens:revoke',
    args: '<id>',
    group: 'Account',
    summary: 'revoke one of your API tokens',
    example: 'slipway tokens:revoke 4f9c21ab93d0',
    load: async () => (await import('./commands/identity.ts')).revokeToken,
  },
];
