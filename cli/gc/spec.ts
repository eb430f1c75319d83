import type { CommandSpec } from '../command-spec.ts';

export const GC_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'gc',
    group: 'Fleet',
    summary: 'remove slugs that no app keeps, and images that no release uses (admin)',
    example: 'slipway gc --dry-run',
    options: [['-n, --dry-run', 'only show what would be removed']],
    json: true,
    load: async () => (await import('./actions.ts')).gc,
  },
];
