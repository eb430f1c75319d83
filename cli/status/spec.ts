import type { CommandSpec } from '../command-spec.ts';

export const STATUS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    group: 'Fleet',
    summary: 'show problems, nodes and apps on one screen',
    example: 'slipway status --watch',
    options: [['-w, --watch', 'keep the screen up to date']],
    json: true,
    load: async () => (await import('./actions.ts')).status,
  },
];
