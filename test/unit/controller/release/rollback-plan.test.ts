import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { KeptRelease } from '../../../../controller/domain/releases.ts';
import { planRollback, restorableVersions } from '../../../../controller/release/rollback-plan.ts';
import type { ReleaseState } from '../../../../shared/domain/states.ts';
import { digestOf } from '../../../support/store-fixtures.ts';

function kept(version: number, state: ReleaseState, hasSlug = true): KeptRelease {
  return { version, state, pinned: false, digests: hasSlug ? [digestOf('a')] : [] };
}

const RELEASES = [
  kept(3, 'superseded', false),
  kept(4, 'superseded'),
  kept(5, 'failed', false),
  kept(6, 'superseded'),
  kept(7, 'current'),
  kept(8, 'pending'),
];

function plan(version?: number, releases = RELEASES): number {
  return planRollback({ app: 'shop', releases, version });
}

it('goes back to the release that served before the current one, or to the named one', () => {
  assert.deepEqual([plan(), plan(6), plan(4)], [6, 6, 4]);
  assert.deepEqual(restorableVersions(RELEASES), [6, 4]);
});

it('refuses each release that cannot be restored, and names those that can', () => {
  const refused = [
    [7, 'SLIP_ROLLBACK_CURRENT', /v7 is the current release/],
    [5, 'SLIP_ROLLBACK_FAILED', /v5 of shop failed/],
    [8, 'SLIP_ROLLBACK_FAILED', /v8 of shop is not finished/],
    [3, 'SLIP_ROLLBACK_PRUNED', /The slug of v3 of shop was removed/],
    [99, 'SLIP_RELEASE_UNKNOWN', /shop has no release v99/],
  ] as const;
  for (const [version, code, message] of refused) {
    assert.throws(() => plan(version), { code, message });
    if (code !== 'SLIP_ROLLBACK_CURRENT') assert.throws(() => plan(version), { hint: /can be restored: v6, v4\./ });
  }
});

it('refuses a rollback without an earlier release, and does not skip one whose slug was removed', () => {
  assert.throws(() => plan(undefined, [kept(1, 'failed', false), kept(2, 'current')]), { code: 'SLIP_ROLLBACK_NONE' });
  assert.throws(() => plan(undefined, [kept(1, 'superseded'), kept(2, 'superseded', false), kept(3, 'current')]), {
    code: 'SLIP_ROLLBACK_PRUNED',
  });
});
