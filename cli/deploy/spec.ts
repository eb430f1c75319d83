import type { CommandSpec } from '../command-spec.ts';

export const DEPLOY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'deploy',
    aliases: ['builds:create'],
    args: '[folder]',
    group: 'Deploys',
    summary: 'build and release a folder or an archive, without git (default: this folder)',
    example: 'slipway deploy --archive https://example.com/app.tgz -a my-shop',
    options: [
      ['--archive <file>', 'deploy this .tar or .tgz: a file, or an http(s) URL that this machine fetches'],
      ['--no-strip', 'keep the only folder at the top of an archive'],
      ['--raw', 'print control characters unchanged'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).deploy,
  },
];
