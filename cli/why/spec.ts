import type { CommandSpec } from '../command-spec.ts';

export const WHY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'why',
    args: '[subject]',
    group: 'Fleet',
    summary: 'explain the state of an app, a node, a domain or an instance (web.1), and what to do next',
    example: 'slipway why web.1 -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).why,
  },
];
