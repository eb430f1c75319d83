import type { CommandSpec } from '../command-spec.ts';

export const BUILDERS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'builders',
    group: 'Fleet',
    summary: 'show which nodes build, and why the other nodes do not',
    example: 'slipway builders',
    json: true,
    load: async () => (await import('./actions.ts')).builders,
  },
  {
    name: 'builders:set',
    group: 'Fleet',
    summary: 'build only on nodes with these labels, because builds see source and config (admin)',
    example: 'slipway builders:set --require role=build',
    options: [
      ['--require <labels>', 'labels a node must have, e.g. role=build'],
      ['--any', 'build on every node whose agent accepts builds'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).setBuilders,
  },
];
