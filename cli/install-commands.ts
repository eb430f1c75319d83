import type { CommandSpec } from './command-spec.ts';

/** What brings a version of Slipway onto machines. */
export const INSTALL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'nodes:upgrade',
    args: '[nodes...]',
    group: 'Fleet',
    summary: "bring agents to the controller's version: one, then a quarter, then the rest; apps run on (admin)",
    example: 'slipway nodes:upgrade fra-1',
    options: [['--watch', 'only look at the upgrade that is under way']],
    json: true,
    load: async () => (await import('./commands/upgrade.ts')).upgrade,
  },
];
