import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { namedApps, nextStep, type Finding } from '../../../../agent/destroyed/plan.ts';
import type { Means } from '../../../../agent/destroyed/port.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { FIRST_UID_BASE, UIDS_PER_APP } from '../../../../shared/domain/uid-range.ts';
import { aDesiredState, anAssignment } from '../../../support/domain.ts';

const PLACES = ['instance', 'build', 'sandbox', 'log', 'process'].map((name) => ({ name }));

const anyFinding = (place: string): fc.Arbitrary<Finding> =>
  fc.record({
    place: fc.constant(place),
    means: fc.constantFrom<Means[]>('event', 'remove', 'time'),
    left: fc.array(fc.string(), { maxLength: 2 }),
  });
/** Looks at some places, in any order. */
const anyFindings = fc
  .subarray(PLACES, { minLength: 0 })
  .chain((places) => fc.tuple(...places.map(({ name }) => anyFinding(name))))
  .chain((found) => fc.shuffledSubarray(found, { minLength: found.length }));

describe('the next step of a clean-up', () => {
  it('is the acknowledgement exactly when every place was checked and is empty', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        const isClean = PLACES.every(({ name }) =>
          findings.some(({ place, left }) => place === name && left.length === 0),
        );
        assert.equal(nextStep(PLACES, findings).kind === 'acknowledge', isClean);
      }),
    );
  });

  it('removes nothing while an earlier place is not empty', () => {
    fc.assert(
      fc.property(anyFindings, (findings) => {
        const step = nextStep(PLACES, findings);
        if (step.kind !== 'remove') return;
        const at = findings.findIndex(({ place }) => place === step.place);
        assert.equal(findings[at]?.means, 'remove');
        assert.ok(findings.slice(0, at).every(({ left }) => left.length === 0));
      }),
    );
  });

  it('checks the places in order, waits for processes that others end, and checks again what it cannot remove', () => {
    assert.deepEqual(nextStep(PLACES, []), { kind: 'look', at: 0 });
    assert.deepEqual(nextStep(PLACES, [{ place: 'instance', means: 'event', left: [] }]), { kind: 'look', at: 1 });
    assert.equal(nextStep(PLACES, [{ place: 'instance', means: 'event', left: ['one'] }]).kind, 'wait');
    assert.equal(nextStep(PLACES, [{ place: 'instance', means: 'time', left: ['one'] }]).kind, 'again');
  });
});

describe('the destroyed apps of a desired state', () => {
  const [shop, blog] = ['appshop00', 'appblog00'] as [AppId, AppId];
  const running = aDesiredState([anAssignment({ appId: blog, uidBase: FIRST_UID_BASE })]);
  const named = (appId: AppId, uidBase: number): readonly string[] => {
    const { apps, inUse } = namedApps({ ...running, destroyed: [{ appId, uidBase }] });
    assert.equal(apps.length + inUse.length, 1);
    return apps.map((app) => app.appId);
  };

  it('are cleaned up, also those of which the controller knows no user ids', () => {
    assert.deepEqual(named(shop, FIRST_UID_BASE + UIDS_PER_APP), [shop]);
    assert.deepEqual(named(shop, 0), [shop]);
    assert.deepEqual(namedApps(running), { apps: [], inUse: [] });
  });

  it('are left alone when the same state wants instances with their id or one of their user ids', () => {
    assert.deepEqual(named(blog, FIRST_UID_BASE + UIDS_PER_APP), []);
    assert.deepEqual(named(shop, FIRST_UID_BASE), []);
    assert.deepEqual(named(shop, FIRST_UID_BASE + UIDS_PER_APP - 1), []);
  });

  it('never have user ids of the machine itself', () => {
    assert.deepEqual(named(shop, 1), []);
    assert.deepEqual(named(shop, FIRST_UID_BASE - UIDS_PER_APP), []);
  });
});
