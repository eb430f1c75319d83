import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideClaim, type ClaimFacts } from '../../../../controller/ownership/decide-claim.ts';
import type { AppId, UserId } from '../../../../shared/domain/ids.ts';

const [ada, bob] = ['adaadaadaada' as UserId, 'bobbobbobbob' as UserId];
const appId = 'appappappapp' as AppId;
const record = { name: '_slipway.shop.example.com', value: 'slipway-proof=1' };
const proof = { kind: 'txt', ...record } as const;
const absent = { kind: 'absent', others: false } as const;
const silent = { kind: 'silent', reason: 'SERVFAIL' } as const;
const facts: ClaimFacts = { ownerId: bob, holder: undefined, hasManyUsers: true, isForced: false };
const ofAda = { kind: 'app', appId, ownerId: ada } as const;
const keptForAda = { kind: 'kept', ownerId: ada, untilMs: 7 } as const;
const noProof = { kind: 'grant', claim: {} };

test('a fleet with one user asks for no proof', () => {
  assert.deepEqual(decideClaim({ ...facts, hasManyUsers: false }), noProof);
});

test('with several users, a domain needs a record of its owner', () => {
  assert.deepEqual(decideClaim(facts), { kind: 'look', at: 'own' });
  assert.deepEqual(decideClaim({ ...facts, own: proof }), { kind: 'grant', claim: { proof: 'txt' } });
  for (const own of [absent, silent])
    assert.deepEqual(decideClaim({ ...facts, own }), { kind: 'unproved', search: own });
});

test('the last owner gets a removed domain without a new record, and no domain of another app of theirs', () => {
  assert.deepEqual(decideClaim({ ...facts, holder: { ...keptForAda, ownerId: bob } }), noProof);
  assert.deepEqual(decideClaim({ ...facts, holder: { ...ofAda, ownerId: bob } }), { kind: 'taken' });
});

test('others need a record, and the present or last owner must have none', () => {
  for (const [holder, without, claim] of [
    [ofAda, { kind: 'taken' }, { proof: 'txt', takenFrom: appId }],
    [keptForAda, { kind: 'kept', untilMs: 7 }, { proof: 'txt' }],
  ] as const) {
    const own = { ...facts, holder, own: proof };
    assert.deepEqual(decideClaim({ ...own, own: absent }), without);
    assert.deepEqual(decideClaim({ ...own, own: silent }), without);
    assert.deepEqual(decideClaim(own), { kind: 'look', at: 'holders' });
    assert.deepEqual(decideClaim({ ...own, holders: absent }), { kind: 'grant', claim });
    assert.deepEqual(decideClaim({ ...own, holders: proof }), { kind: 'disputed', record });
    assert.deepEqual(decideClaim({ ...own, holders: silent }), { kind: 'unknown', reason: 'SERVFAIL' });
  }
});

test('an administrator needs no record, and takes no domain from an app', () => {
  const forced = { ...facts, isForced: true };
  for (const holder of [undefined, keptForAda])
    assert.deepEqual(decideClaim({ ...forced, holder }), { kind: 'grant', claim: { proof: 'admin' } });
  assert.deepEqual(decideClaim({ ...forced, holder: ofAda }), { kind: 'taken' });
});
