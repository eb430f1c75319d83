import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffDelayMs } from '../../../../shared/kit/backoff.ts';

const policy = { firstMs: 1000, maxMs: 60_000, factor: 2 };

test('the delay doubles from the first to the last', () => {
  const delays = [0, 1, 2, 5, 6, 7, 1000].map((attempt) => backoffDelayMs(policy, attempt, 0.999_999));
  assert.deepEqual(delays, [1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000]);
});

test('the random delay is between half of the step and the whole step', () => {
  assert.equal(backoffDelayMs(policy, 3, 0), 4000);
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const delay = backoffDelayMs(policy, attempt, random);
      return Number.isInteger(delay) && delay >= policy.firstMs / 2 && delay <= policy.maxMs;
    }),
  );
});
