import type { CommandSpec } from '../command-spec.ts';

export const ACCOUNT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'login',
    aliases: ['auth:login'],
    args: '<url>',
    group: 'Account',
    summary: 'sign in to a controller; asks for the token, or reads it from standard input',
    example: 'slipway login https://fleet.example.com:7400 --pin sha256:4f9c…',
    options: [
      ['--pin <pin>', "fingerprint of the fleet's certificate authority; ask the person who gave you the token"],
    ],
    load: async () => (await import('./login.ts')).login,
  },
  {
    name: 'whoami',
    aliases: ['auth:whoami'],
    group: 'Account',
    summary: 'show which user you are signed in as',
    example: 'slipway whoami',
    json: true,
    load: async () => (await import('./whoami.ts')).whoami,
  },
  {
    name: 'version',
    aliases: ['--version', '-v'],
    group: 'Account',
    summary: 'print the version of this command',
    example: 'slipway version',
    load: async () => (await import('./version.ts')).version,
  },
];
