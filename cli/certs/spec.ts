import type { CommandSpec } from '../command-spec.ts';

export const CERTS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'certs',
    group: 'Apps',
    summary: 'list the TLS certificates of an app',
    example: 'slipway certs -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).list,
  },
  {
    name: 'certs:add',
    aliases: ['certs:update'],
    args: '[crt] [key]',
    group: 'Apps',
    summary: 'upload a certificate with its chain and key (PEM or DER); replaces the upload with the same names',
    example: 'slipway certs:add fullchain.pem privkey.pem -a my-shop',
    options: [
      ['--cert <file>', 'the file of the certificate and its chain'],
      ['--key <file>', 'the file of the key'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).add,
  },
  {
    name: 'certs:info',
    args: '<name>',
    group: 'Apps',
    summary: 'show a certificate, by its id or by a host name, and the nodes that serve it',
    example: 'slipway certs:info www.example.com -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).info,
  },
  {
    name: 'certs:remove',
    args: '<name>',
    group: 'Apps',
    summary: 'remove an uploaded certificate',
    example: 'slipway certs:remove www.example.com -a my-shop --confirm my-shop',
    options: [['-c, --confirm <name>', 'the name of the app; confirms without a question']],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).remove,
  },
];
