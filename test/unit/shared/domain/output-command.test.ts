import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputCommand } from '../../../../shared/domain/output-command.ts';

test('each kind of one-off command has its command for the output', () => {
  const shown = [
    { process: 'release.predeploy.12', kind: 'release' },
    { process: 'cron.report.7', kind: 'cron' },
    { process: 'run.4', kind: 'run' },
  ].map((command) => outputCommand('shop', { ...command, release: 12 }));
  assert.deepEqual(shown, [
    'slipway releases:output v12 -a shop',
    'slipway cron:output cron.report.7 -a shop',
    'slipway run:logs run.4 -a shop',
  ]);
});
