import type { CommandSpec } from '../command-spec.ts';

export const QUOTAS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'quotas',
    group: 'Account',
    summary: 'show your quotas, for example how many apps, keys and domains you may have',
    example: 'slipway quotas',
    json: true,
    load: async () => (await import('./actions.ts')).quotas,
  },
  {
    name: 'users:quotas',
    args: '<user> [changes...]',
    group: 'Account',
    summary: "show or change a user's quotas (admin)",
    example: 'slipway users:quotas ada apps=200 keys=default',
    json: true,
    load: async () => (await import('./actions.ts')).userQuotas,
  },
];
