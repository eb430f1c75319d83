import assert from 'node:assert/strict';
import { it } from 'node:test';
import { releaseTimeoutMs } from '../../../../controller/one-off/release-timeout.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';

it('reads the limit of a release command from its config variable, and uses one hour otherwise', () => {
  const of = (value: string): number => releaseTimeoutMs(sealAll({ SLIPWAY_RELEASE_TIMEOUT: value }));
  assert.deepEqual(['90s', '5m', '2h', '99h'].map(of), [90_000, 300_000, 7_200_000, 86_400_000]);
  assert.deepEqual(['', '0s', 'soon', '5'].map(of), Array(4).fill(3_600_000));
  assert.equal(releaseTimeoutMs({}), 3_600_000);
});
