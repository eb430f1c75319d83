import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { chooseRange, nextAfterRestore, UID_RANGES } from '../../../../controller/schedule/uid-ranges.ts';
import { UIDS_PER_APP } from '../../../../shared/domain/uid-range.ts';

it('gives new ranges that do not overlap, below the sign bit, until there is none', () => {
  fc.assert(
    fc.property(fc.nat(UID_RANGES + 5), (next) => {
      const choice = chooseRange({ next });
      if (next >= UID_RANGES) return choice === undefined;
      const after = chooseRange({ next: choice?.next ?? 0 });
      const isBelow = (choice?.uidBase ?? 0) + UIDS_PER_APP <= 0x7fff0000;
      return (
        isBelow && choice?.next === next + 1 && (after === undefined || after.uidBase === choice.uidBase + UIDS_PER_APP)
      );
    }),
    { seed: 12, numRuns: 200 },
  );
});

it('prefers a range that is free again, also when there is no new one', () => {
  assert.deepEqual(chooseRange({ next: 3, longestFree: 77 }), { uidBase: 77, next: 3 });
  assert.deepEqual(chooseRange({ next: UID_RANGES, longestFree: 77 }), { uidBase: 77, next: UID_RANGES });
});

it('skips ranges after a restore, and does not go beyond the last one', () => {
  assert.ok(nextAfterRestore(5) > 1_000);
  assert.equal(nextAfterRestore(UID_RANGES - 1), UID_RANGES);
});
