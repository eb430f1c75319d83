import type { CommandSpec } from '../command-spec.ts';

export const HTTPS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'https',
    group: 'Apps',
    summary: 'show how an app uses HTTPS: redirect, canonical name, HSTS, and its domains',
    example: 'slipway https -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).show,
  },
  {
    name: 'https:redirect',
    args: '[state]',
    group: 'Apps',
    summary: 'show, or switch on or off, the redirect of plain requests to HTTPS',
    example: 'slipway https:redirect off -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).redirect,
  },
  {
    name: 'https:hsts',
    args: '[state]',
    group: 'Apps',
    summary: 'show, set or switch off HSTS: browsers use only HTTPS for this time',
    example: 'slipway https:hsts --max-age 60d -a my-shop',
    options: [
      ['--max-age <duration>', 'how long, up to 730d; 0: browsers forget it'],
      ['--include-subdomains', 'also for all names below the domains, on this fleet or not'],
      ['--preload', 'allow the lists that browsers are shipped with; needs 365d and subdomains'],
      ['-c, --confirm <name>', 'the name of the app; confirms a long time without a question'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./hsts.ts')).hsts,
  },
];
