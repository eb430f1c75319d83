import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderChange, renderChecks } from '../../../../cli/checks/render.ts';
import { assertScreen, context, FIGURES } from '../../../support/cli-screens.ts';

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

it('shows the figures of the switch after a change, and says when no release was made', () => {
  assert.match(
    renderChange('shop', { version: 7, checks: [], switch: FIGURES }, context),
    /Released v7\.\n1 of 9 requests failed in the switch \(1 H13\), longest drain 0\.0 s\n$/,
  );
  assert.match(renderChange('shop', { checks: [] }, context), /No release was made: [^\n]*\n$/);
});
