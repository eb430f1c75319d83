import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KeptRelease, KeptReleases } from '../../../../controller/domain/releases.ts';
import { checkPin, planSlugRemoval } from '../../../../controller/store/slug-plan.ts';
import { PINS_MAX } from '../../../../shared/domain/history.ts';
import type { ReleaseState } from '../../../../shared/domain/states.ts';
import { digestOf } from '../../../support/store-fixtures.ts';

const RUN = { seed: 16, numRuns: 300 };
const STATES: readonly ReleaseState[] = ['pending', 'deploying', 'current', 'superseded', 'failed'];

function kept(version: number, letters: string, change: Partial<KeptRelease> = {}): KeptRelease {
  return { version, state: 'superseded', pinned: false, digests: Array.from(letters, digestOf), ...change };
}

const anyReleases: fc.Arbitrary<KeptReleases> = fc.record({
  releases: fc
    .array(
      fc.record({
        state: fc.constantFrom(...STATES, 'superseded' as const),
        pinned: fc.boolean(),
        letters: fc.constantFrom('', 'a', 'ab', 'b', 'c', 'd', 'e'),
      }),
      { maxLength: 20 },
    )
    .map((all) => all.map(({ state, pinned, letters }, at) => kept(at + 1, letters, { state, pinned }))),
  placed: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }).map((all) => new Set(all)),
  slugsKept: fc.nat(6),
});

describe('which slugs are removed', () => {
  it('is never one that is current, unfinished, pinned or has instances', () => {
    fc.assert(
      fc.property(anyReleases, (all) => {
        for (const version of planSlugRemoval(all)) {
          const release = all.releases.find((each) => each.version === version);
          assert.equal(release?.state, 'superseded');
          assert.ok(!release.pinned && !all.placed.has(version));
        }
      }),
      RUN,
    );
  });

  it('leaves as many former slugs as the app keeps, and no second plan removes more', () => {
    fc.assert(
      fc.property(anyReleases, (all) => {
        const removed = planSlugRemoval(all);
        const left = all.releases.filter(({ version }) => !removed.includes(version));
        assert.deepEqual(planSlugRemoval({ ...all, releases: left }), []);
        const key = ({ digests }: KeptRelease): string => digests.join(' ');
        const slugs = new Set(left.filter(({ digests }) => digests.length > 0).map(key));
        const needed = left.filter(
          (each) => each.state !== 'superseded' || each.pinned || all.placed.has(each.version),
        );
        assert.ok(slugs.size <= all.slugsKept + new Set(needed.map(key)).size);
      }),
      RUN,
    );
  });

  it('counts slugs: config changes have the slug of the release before them, and use up no place', () => {
    const releases = [
      kept(1, 'a'),
      kept(2, 'b'),
      kept(3, 'c'),
      ...[4, 5, 6, 7, 8].map((version) => kept(version, 'c')),
      kept(9, 'd', { state: 'current' }),
    ];
    assert.deepEqual(planSlugRemoval({ releases, placed: new Set(), slugsKept: 2 }), [1]);
    assert.deepEqual(planSlugRemoval({ releases, placed: new Set([1]), slugsKept: 1 }), [2]);
  });
});

it('refuses to pin an unknown release, one without a slug, and more than the limit', () => {
  const many = Array.from({ length: PINS_MAX }, (_, at) => kept(at + 1, 'a', { pinned: true }));
  const releases = [...many, kept(50, 'b'), kept(51, '')];
  assert.throws(() => checkPin('shop', releases, 99), { code: 'SLIP_RELEASE_UNKNOWN' });
  assert.throws(() => checkPin('shop', releases, 51), { code: 'SLIP_RELEASE_PRUNED' });
  assert.throws(() => checkPin('shop', releases, 50), { code: 'SLIP_RELEASE_PINS' });
  checkPin('shop', releases, 1);
  checkPin('shop', releases.slice(1), 50);
});
