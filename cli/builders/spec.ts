import type { CommandSpec } from '../command-spec.ts';

export const BUILDERS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'builders',
    group: 'Fleet',
    summary: 'show which nodes are given builds, and why the others are not',
    example: 'slipway builders',
    json: true,
    load: async () => (await import('./actions.ts')).builders,
  },
  {
    name: 'builders:set',
    group: 'Fleet',
    summary: 'give builds, which see source and config, only to nodes with these labels (admin)',
    example: 'slipway builders:set --require role=build',
    options: [
      ['--require <labels>', 'labels a node must have, e.g. role=build'],
      ['--any', 'every node whose agent is set to build again'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).setBuilders,
  },
];
