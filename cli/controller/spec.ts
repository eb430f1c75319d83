import type { CommandSpec } from '../command-spec.ts';

export const CONTROLLER_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'controller:rotate-key',
    group: 'Fleet',
    summary: 'replace the key that encrypts config values in the database (admin)',
    example: 'slipway controller:rotate-key',
    json: true,
    load: async () => (await import('./actions.ts')).rotateKey,
  },
];
