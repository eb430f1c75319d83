import type { CommandSpec } from '../command-spec.ts';

export const LIMITS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'limits',
    group: 'Fleet',
    summary: 'show what ps:limits may give each process at most',
    example: 'slipway limits',
    json: true,
    load: async () => (await import('./actions.ts')).limits,
  },
  {
    name: 'limits:set',
    group: 'Fleet',
    summary: 'set what ps:limits may give each process at most (admin)',
    example: 'slipway limits:set --memory 8G --pids 1024',
    options: [
      ['--memory <size>', 'memory, e.g. 8G (default 32G)'],
      ['--pids <number>', 'processes and threads (default 4096)'],
      ['--disk <size>', 'files it writes, e.g. 10G (default 32G)'],
      ['--reset', 'back to the defaults'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).setLimits,
  },
];
