import type { CommandSpec } from '../command-spec.ts';

export const STATUS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    group: 'Fleet',
    summary: 'what runs where, and what is wrong, on one screen',
    example: 'slipway status --watch',
    options: [['-w, --watch', 'stay, and show what changes as it does']],
    json: true,
    load: async () => (await import('./actions.ts')).status,
  },
];
