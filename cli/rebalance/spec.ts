import type { CommandSpec } from '../command-spec.ts';

export const REBALANCE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'rebalance',
    group: 'Fleet',
    summary: 'show which moves would balance the fleet; --yes makes them (admin)',
    example: 'slipway rebalance --yes',
    options: [['--yes', 'make the moves, one at a time']],
    json: true,
    load: async () => (await import('./actions.ts')).rebalance,
  },
];
