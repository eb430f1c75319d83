import type { CommandSpec } from '../command-spec.ts';

export const EDGE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'edge',
    group: 'Fleet',
    summary: 'show which nodes answer HTTPS and hold the keys of certificates',
    example: 'slipway edge',
    json: true,
    load: async () => (await import('./actions.ts')).edge,
  },
  {
    name: 'edge:set',
    group: 'Fleet',
    summary: 'answer HTTPS only on nodes with these labels; the other nodes remove their keys at once (admin)',
    example: 'slipway edge:set --require role=edge',
    options: [
      ['--require <labels>', 'labels a node must have, e.g. role=edge'],
      ['--any', 'answer HTTPS on every node'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).setEdge,
  },
];
