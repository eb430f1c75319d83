import type { CommandSpec } from '../command-spec.ts';

export const PLACEMENT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'placement',
    aliases: ['placement:list'],
    args: '[type]',
    group: 'Deploys',
    summary: 'show where the processes of an app may run',
    example: 'slipway placement -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).placement,
  },
  {
    name: 'placement:set',
    args: '<type>',
    group: 'Deploys',
    summary: 'set where processes of a type may run, from the next release on',
    example: 'slipway placement:set web --require region=fra --spread zone -a my-shop',
    options: [
      ['--require <labels>', 'labels a node must have, e.g. region=fra,disk=ssd'],
      ['--spread <label>', 'spread over the values of this label, after nodes'],
      ['--on-full <what>', 'no room beside the old instances: wait for room, or stop-first'],
      ['--clear', 'anywhere again'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).setPlacement,
  },
];
