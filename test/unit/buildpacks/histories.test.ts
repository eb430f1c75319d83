import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOf, MANAGERS, sizeOf } from '../../support/histories/open-histories.ts';

const LEAST = 8;

describe('the histories of builds in the nightly ring', () => {
  for (const manager of MANAGERS) {
    it(`of ${manager} have every kind of change at least ${LEAST} times`, () => {
      const counts = [...changesOf(manager, sizeOf(200))];
      assert.deepEqual(
        counts.filter(([, count]) => count < LEAST),
        [],
        JSON.stringify(Object.fromEntries(counts)),
      );
    });
  }
});
