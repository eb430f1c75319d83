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
    summary: 'set where instances of a process type may run, from the next release on',
    example: 'slipway placement:set web --require region=fra --spread zone -a my-shop',
    options: [
      ['--require <labels>', 'labels a node must have, e.g. region=fra,disk=ssd'],
      ['--spread <label>', 'spread instances over nodes, then over the values of this label'],
      ['--on-full <what>', 'what to do if there is no room beside the old instances: wait, or stop-first'],
      ['--clear', 'remove the rules; the instances may run on any node'],
    ],
    app: true,
    json: true,
    load: async () => (await import('./actions.ts')).setPlacement,
  },
];
