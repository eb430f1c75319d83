import type { CommandSpec } from '../command-spec.ts';

export const PROXY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'proxy:trust',
    args: '[fronts...]',
    group: 'Fleet',
    summary: 'show or set the front proxies that say for which client a request is (admin)',
    example: 'slipway proxy:trust cloudflare 10.0.5.0/24',
    options: [
      [
        '--proxy-protocol',
        'set the load balancers that send a PROXY protocol header (v1 or v2) instead; connections from them without it are closed',
      ],
    ],
    json: true,
    load: async () => (await import('./actions.ts')).trust,
  },
];
