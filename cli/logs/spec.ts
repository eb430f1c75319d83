import type { CommandSpec } from '../command-spec.ts';

export const LOGS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'logs',
    group: 'Deploys',
    summary: 'show the log of an app',
    example: 'slipway logs -t -p web -a my-shop',
    options: [
      ['-t, --tail', 'keep printing new lines'],
      ['-n, --num <number>', 'number of past lines (default 100, at most 1500)'],
      ['-p, --ps <process>', 'only this process type (web) or instance (web.1)'],
      ['--process-type <type>', 'the same as --ps web (Heroku flag)'],
      ['-d, --dyno <instance>', 'the same as --ps web.1 (Heroku flag)'],
      ['--dyno-name <instance>', 'the same as --ps web.1 (Heroku flag)'],
      ['-s, --source <source>', 'only lines of the app (app) or of the platform (slipway, or its other name heroku)'],
      ['--raw', 'print control characters unchanged; they can change what your terminal shows'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).logs,
  },
];
