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
  {
    name: 'tls:dns',
    group: 'Fleet',
    summary: 'list the DNS providers, with which wildcards get certificates (admin)',
    example: 'slipway tls:dns',
    json: true,
    load: async () => (await import('./dns.ts')).list,
  },
  {
    name: 'tls:dns:add',
    args: '<name>',
    group: 'Fleet',
    summary: 'add a DNS provider for a zone; a credential is read from stdin (admin)',
    example: 'slipway tls:dns:add main --provider acme-dns --zone example.com',
    options: [
      [
        '--provider <kind>',
        'acme-dns, nsupdate, exec, cloudflare, hetzner or digitalocean; the API token of the last three is read from stdin',
      ],
      ['--zone <domain>', 'the provider is used for this domain and all names below it'],
      ['--record-zone <domain>', 'the zone with the TXT records, if _acme-challenge is an alias (CNAME) into it'],
      [
        '--server <address>',
        'acme-dns: its URL (default: https://auth.acme-dns.io); nsupdate: HOST or HOST:PORT of the primary name server',
      ],
      ['--account', 'acme-dns: use an account that you have; its JSON is read from stdin'],
      ['--key-name <name>', 'nsupdate: name of the TSIG key; its secret is read from stdin'],
      ['--algorithm <name>', 'nsupdate: algorithm of the TSIG key (default: hmac-sha256)'],
      [
        '--program <file>',
        'exec: program in the folder dns-programs of the controller; it is called with: present|cleanup NAME VALUE',
      ],
    ],
    json: true,
    load: async () => (await import('./dns.ts')).add,
  },
  {
    name: 'tls:dns:remove',
    args: '<name>',
    group: 'Fleet',
    summary: 'remove a DNS provider; its wildcards are not renewed any more (admin)',
    example: 'slipway tls:dns:remove main',
    json: true,
    load: async () => (await import('./dns.ts')).remove,
  },
];
