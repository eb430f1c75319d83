import { it } from 'node:test';
import { renderChecks } from '../../../../cli/checks/render.ts';
import { assertScreen, context } from '../../../support/cli-screens.ts';

const TIMING = { initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 };

it('shows where the checks of each process type come from, and which types have none', () => {
  const command = { ...TIMING, type: 'liveness', probe: 'command', command: ['true'], asks: '`true`' } as const;
  const uptime = { ...TIMING, type: 'startup', probe: 'uptime', uptimeMs: 10_000, asks: '10 s of uptime' } as const;
  assertScreen(
    renderChecks(
      'shop',
      [
        { type: 'web', source: 'settings', checks: [command, uptime], instances: [] },
        { type: 'worker', source: 'settings', checks: [], instances: [] },
      ],
      context,
    ),
    [
      '=== web (set with checks:set)',
      'liveness    `true`          3 attempts of 5 s, every 5 s',
      'startup     10 s of uptime',
      '',
      '=== worker (disabled with checks:disable)',
    ],
  );
});
