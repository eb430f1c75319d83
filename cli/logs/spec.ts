import type { CommandSpec } from '../command-spec.ts';

export const LOGS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'logs',
    group: 'Deploys',
    summary: 'show the log of an app',
    example: 'slipway logs -t -p web -a my-shop',
    options: [
      ['-t, --tail', 'go on with new lines as they come'],
      ['-n, --num <number>', 'how many past lines (default 100, at most 1500)'],
      ['-p, --ps <process>', 'only this process type (web) or instance (web.1)'],
      ['--process-type <type>', "Heroku's name for --ps web"],
      ['-d, --dyno <instance>', "Heroku's name for --ps web.1"],
      ['--dyno-name <instance>', "Heroku's name for --ps web.1"],
      [
        '-s, --source <source>',
        'only lines of the app itself (app) or of the platform (slipway; heroku means the same)',
      ],
      ['--raw', "print control characters as they are; they can fool or damage your terminal's display"],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).logs,
  },
];
