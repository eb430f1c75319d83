import type { CommandSpec } from './command-spec.ts';

/** What runs, what happened, and why. */
export const OBSERVE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    group: 'Fleet',
    summary: 'what runs where, and what is wrong, on one screen',
    example: 'slipway status --watch',
    options: [['-w, --watch', 'stay, and show what changes as it does']],
    json: true,
    load: async () => (await import('./commands/fleet.ts')).status,
  },
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
    load: async () => (await import('./commands/observe.ts')).events,
  },
  {
    name: 'why',
    args: '[subject]',
    group: 'Fleet',
    summary: 'why an app, a node or an instance (web.1) is as it is, and what to do about it',
    example: 'slipway why web.1 -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/observe.ts')).why,
  },
];
