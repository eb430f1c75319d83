import type { CommandSpec } from '../command-spec.ts';

export const DOMAINS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'domains',
    group: 'Apps',
    summary: 'list the domains of an app, and removed ones that are kept for its owner',
    example: 'slipway domains -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).list,
  },
  {
    name: 'domains:add',
    args: '<hostname>',
    group: 'Apps',
    summary: 'add a domain to an app, and wait for its certificate; *.example.com matches one label',
    example: 'slipway domains:add www.example.com -a my-shop',
    options: [
      ['--no-wait', 'wait neither for a DNS record that proves the domain, nor for the certificate'],
      ['--force', 'add it without a proof, as an administrator; the event says so'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).add,
  },
  {
    name: 'domains:remove',
    args: '<hostname>',
    group: 'Apps',
    summary: 'remove a domain from an app',
    example: 'slipway domains:remove www.example.com -a my-shop',
    app: true,
    load: async () => (await import('./actions.ts')).remove,
  },
  {
    name: 'domains:clear',
    group: 'Apps',
    summary: 'remove all domains from an app',
    example: 'slipway domains:clear -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).clear,
  },
];
