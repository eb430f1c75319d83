import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTls, type TlsChange } from '../../../../../controller/api/operations/tls.ts';
import type { TlsBody } from '../../../../../shared/api/https.ts';
import { LETS_ENCRYPT } from '../../../../../controller/domain/tls-settings.ts';
import { FakeFleet } from '../../../../support/fake-fleet.ts';
import { fakeDeps } from '../../../../support/api-fixture.ts';
import { addUser, openMemoryStore } from '../../../../support/store-fixtures.ts';

async function make(t: TestContext): Promise<(change: TlsChange) => Promise<TlsBody>> {
  const store = await openMemoryStore();
  t.after(() => store.close());
  const user = await addUser(store);
  const deps = { ...fakeDeps(store, new FakeFleet()), store };
  return (change) => setTls(deps, user, change);
}

test('a setting that is not named stays as it is, and secrets are not shown', async (t) => {
  const set = await make(t);
  await set({ agreeTerms: true, contacts: ['ops@example.com'] });
  const body = await set({ externalAccount: { keyId: 'kid', hmacKey: 'c2VjcmV0LXNlY3JldA' }, profile: 'shortlived' });
  assert.deepEqual(body, {
    ...{ directoryUrl: LETS_ENCRYPT, contacts: ['ops@example.com'], profile: 'shortlived', termsAgreed: true },
    ...{ externalKeyId: 'kid', hasCaFile: false },
  });
});

test('another CA needs a new agreement, and gets neither the binding nor the CA file of the former one', async (t) => {
  const set = await make(t);
  await set({ agreeTerms: true, externalAccount: { keyId: 'kid', hmacKey: 'c2VjcmV0LXNlY3JldA' } });
  const body = await set({ directoryUrl: 'https://ca.example.com/dir' });
  assert.deepEqual([body.termsAgreed, body.externalKeyId], [false, undefined]);
});

test('wrong settings are refused with what is wrong', async (t) => {
  const set = await make(t);
  const wrong: readonly TlsChange[] = [
    ...[{ directoryUrl: 'http://ca.example.com/dir' }, { directoryUrl: 'x' }, { contacts: ['nobody'] }],
    ...[{ profile: 'two words' }, { caPem: 'no PEM' }, { externalAccount: { keyId: 'kid', hmacKey: 'not base64!' } }],
  ];
  for (const change of wrong) await assert.rejects(set(change), { code: 'SLIP_TLS_SETTING' });
});
