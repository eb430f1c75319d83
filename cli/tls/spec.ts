import type { CommandSpec } from '../command-spec.ts';

export const TLS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'tls',
    group: 'Fleet',
    summary: 'show the certificate authority of this fleet (admin)',
    example: 'slipway tls',
    json: true,
    load: async () => (await import('./actions.ts')).info,
  },
  {
    name: 'tls:set',
    group: 'Fleet',
    summary: 'choose the certificate authority, agree to its terms, and set the contact (admin)',
    example: 'slipway tls:set --agree-terms --contact ops@example.com',
    options: [
      [
        '--ca <url>',
        "directory URL of the certificate authority, or letsencrypt or letsencrypt-staging (default: Let's Encrypt)",
      ],
      ['--ca-file <file>', 'PEM of the CA that signed the server of a private certificate authority'],
      ['--contact <mail>', 'mail addresses that the certificate authority may write to, with commas between them'],
      ['--agree-terms', 'agree to the terms of the certificate authority'],
      ['--eab-key-id <id>', 'id of your account at the certificate authority; its HMAC key is read from stdin'],
      ['--profile <name>', "kind of certificate, such as shortlived; '' is the default of the certificate authority"],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).set,
  },
];
