import type { CommandSpec } from '../command-spec.ts';

export const HTTPS_COMMANDS: readonly CommandSpec[] = [
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
];
