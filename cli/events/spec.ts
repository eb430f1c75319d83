import type { CommandSpec } from '../command-spec.ts';

export const EVENTS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'events',
    group: 'Fleet',
    summary: 'who or what did what, when; of all you may see, or of one app or node',
    example: 'slipway events -t -a my-shop',
    options: [
      ['-a, --app <name>', 'only this app'],
      ['--node <name>', 'only this node'],
      ['-n, --num <number>', 'how many, the newest ones (default 50, at most 1000)'],
      ['--before <seq>', 'only older ones than this: the next page'],
      ['-t, --tail', 'go on with new ones as they come'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).events,
  },
];
