import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatDuration, formatRemaining } from '../../../../shared/kit/duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

it('says a length of time in one unit, rounded down', () => {
  const lengths = [-5, 59_999, 90 * SECOND, 2 * MINUTE, 119 * MINUTE + 59 * SECOND, 2 * HOUR, 47 * HOUR, 95 * HOUR];
  assert.deepEqual(lengths.map(formatDuration), ['0 s', '59 s', '90 s', '2 min', '119 min', '2 h', '47 h', '3 days']);
});

it('says the time that remains rounded up', () => {
  const lengths = [-5, 59_999, 60_001, 15 * MINUTE - 1, 2 * HOUR + 1, 48 * HOUR + 1];
  assert.deepEqual(lengths.map(formatRemaining), ['0 s', '60 s', '61 s', '15 min', '3 h', '3 days']);
});
