import type { CommandSpec } from '../command-spec.ts';

export const LIMITS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'limits',
    group: 'Fleet',
    summary: 'show the highest limits that ps:limits may set',
    example: 'slipway limits',
    json: true,
    load: async () => (await import('./actions.ts')).limits,
  },
  {
    name: 'limits:set',
    group: 'Fleet',
    summary: 'set the highest limits that ps:limits may set (admin)',
    example: 'slipway limits:set --memory 8G --pids 1024',
    options: [
      ['--memory <size>', 'memory, e.g. 8G (default 32G)'],
      ['--pids <number>', 'processes and threads (default 4096)'],
      ['--disk <size>', 'disk space for written files, e.g. 10G (default 32G)'],
      ['--reset', 'restore the defaults'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).setLimits,
  },
];
