import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  planBuildTrim,
  planReleaseTrim,
  TRIM_ROWS,
  type OldBuild,
  type ReleaseHistory,
} from '../../../../controller/store/trim-plan.ts';
import { RELEASES_KEPT } from '../../../../shared/domain/history.ts';
import type { BuildId } from '../../../../shared/domain/ids.ts';
import { BUILD_STATES, isTerminal, type BuildState, type ReleaseState } from '../../../../shared/domain/states.ts';

const RUN = { seed: 14, numRuns: 200 };
const STATES: readonly ReleaseState[] = ['pending', 'deploying', 'current', 'superseded', 'failed'];

type Line = ReleaseHistory['oldest'][number];

/** Any history, also one that no app can reach. */
const anyHistory: fc.Arbitrary<ReleaseHistory> = fc
  .record({
    states: fc.array(fc.constantFrom(...STATES, 'superseded' as const, 'failed' as const), {
      minLength: 1,
      maxLength: 500,
    }),
    gone: fc.array(fc.nat(499), { maxLength: 100 }),
    placed: fc.array(fc.nat(499), { maxLength: 5 }),
    pinned: fc.array(fc.nat(499), { maxLength: 20 }),
  })
  .map(({ states, gone, placed, pinned }) => {
    const all = states.map((state, index): Line => ({ version: index + 1, state, pinned: pinned.includes(index) }));
    const oldest = all.filter(({ version }) => version === all.length || !gone.includes(version));
    const servedLast = oldest.findLast(({ state }) => state === 'superseded')?.version;
    return { newest: all.length, oldest, placed: new Set(placed), servedLast };
  });

function isNeeded({ version, state, pinned }: Line, { newest, placed, servedLast }: ReleaseHistory): boolean {
  const isUnderWay = ['pending', 'deploying', 'current'].includes(state);
  return isUnderWay || pinned || version > newest - RELEASES_KEPT || placed.has(version) || version === servedLast;
}

describe('which releases are removed', () => {
  it('are never needed ones, and a limited number in one step', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const removed = planReleaseTrim(history);
        assert.ok(removed.length <= TRIM_ROWS);
        for (const line of history.oldest)
          if (removed.includes(line.version)) assert.ok(!isNeeded(line, history), `v${String(line.version)}`);
      }),
      RUN,
    );
  });

  it('are all others, step by step; the newest number stays, so that no number is used again', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        let left = history.oldest;
        for (
          let removed = planReleaseTrim(history);
          removed.length > 0;
          removed = planReleaseTrim({ ...history, oldest: left })
        )
          left = left.filter(({ version }) => !removed.includes(version));
        assert.deepEqual(
          left,
          history.oldest.filter((line) => isNeeded(line, history)),
        );
        assert.equal(left.at(-1)?.version, history.newest);
      }),
      RUN,
    );
  });
});

describe('which builds are removed', () => {
  const anyBuild = fc.record({
    id: fc.uuid().map((id) => id as BuildId),
    state: fc.constantFrom(...(Object.keys(BUILD_STATES) as BuildState[])),
    released: fc.boolean(),
  });

  it('are the oldest finished ones without a release', () => {
    fc.assert(
      fc.property(fc.array(anyBuild, { maxLength: 200 }), (old: readonly OldBuild[]) => {
        const free = old
          .filter(({ state, released }) => !released && isTerminal(BUILD_STATES, state))
          .map(({ id }) => id);
        assert.deepEqual(planBuildTrim(old), free.slice(0, TRIM_ROWS));
      }),
      RUN,
    );
  });
});
