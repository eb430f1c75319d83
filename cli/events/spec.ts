import type { CommandSpec } from '../command-spec.ts';

export const EVENTS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'events',
    group: 'Fleet',
    summary: 'list what happened: all events you may see, or those of one app or node',
    example: 'slipway events -t -a my-shop',
    options: [
      ['-a, --app <name>', 'only this app'],
      ['--node <name>', 'only this node'],
      ['-n, --num <number>', 'number of events, the newest ones (default 50, at most 1000)'],
      ['--before <seq>', 'only events older than this one, for the next page'],
      ['-t, --tail', 'keep printing new events'],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).events,
  },
];
