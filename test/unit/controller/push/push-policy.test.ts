import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { User } from '../../../../controller/domain/users.ts';
import { createPushPolicy } from '../../../../controller/push/push-policy.ts';
import type { GitUser } from '../../../../controller/push/port.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import type { UserId } from '../../../../shared/domain/ids.ts';
import { parseAppName } from '../../../../shared/domain/names.ts';
import { eventually } from '../../../support/eventually.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

const gitUser = ({ id, name }: Pick<User, 'id' | 'name'>): GitUser => ({ userId: id, name });

async function openRig(createOnPush = true) {
  const store = await openMemoryStore();
  const [owner, stranger, admin] = [
    await addUser(store, 'ada'),
    await addUser(store, 'eve'),
    await addUser(store, 'root', true),
  ];
  const app = await addApp(store, owner.id, 'hello');
  const policy = createPushPolicy({
    store,
    clock: systemClock,
    createOnPush,
    defaultStack: 'host',
    randomId,
    folders: [],
    awaitBuilder: () => Promise.resolve(),
    join: (_appId, closed) => ({ signal: closed, leave: () => undefined }),
    requireBuilder: () => undefined,
    gitUrl: (name) => `ssh://git@host:2222/${name}.git`,
    deploy: () => Promise.resolve({ ok: true }),
  });
  const gone = gitUser({ id: 'gone0000' as UserId, name: owner.name });
  return { store, policy, app, owner: gitUser(owner), stranger: gitUser(stranger), admin: gitUser(admin), gone };
}

const NOT_FOUND = { code: 'SLIP_APP_NOT_FOUND' };

describe('git over SSH', () => {
  for (const access of ['read', 'write'] as const) {
    it(`opens an app for its owner and for administrators only: ${access}`, async () => {
      const { store, policy, app, owner, stranger, admin, gone } = await openRig();
      for (const user of [owner, admin])
        assert.deepEqual(await policy.openApp(user, 'hello', access), { appId: app.id, name: app.name });
      for (const user of [stranger, gone]) await assert.rejects(policy.openApp(user, 'hello', access), NOT_FOUND);
      await store.close();
    });
  }

  it('ends the connections of a key that is removed, and no others', async () => {
    const { store, policy, owner } = await openRig();
    const key = { userId: owner.userId, publicKey: 'ssh-ed25519 AAAA', comment: '' };
    for (const fingerprint of ['SHA256:one', 'SHA256:two']) await store.addKey({ ...key, fingerprint });
    const closed = new AbortController().signal;
    const [one, two] = ['SHA256:one', 'SHA256:two'].map((name) => policy.untilKeyRemoved(owner, name, closed));
    await store.removeKey(owner.userId, 'SHA256:one');
    await eventually('the end', () => one?.aborted === true);
    assert.equal((one?.reason as { code?: string }).code, 'SLIP_KEY_REMOVED');
    assert.equal(two?.aborted, false);
    await store.close();
  });

  it('plans a new app for a user who pushes, but not for a read or a removed user', async () => {
    const { store, policy, stranger, gone } = await openRig();
    assert.equal((await policy.openApp(stranger, 'fresh', 'write')).isNew, true);
    await assert.rejects(policy.openApp(stranger, 'other', 'read'), NOT_FOUND);
    await assert.rejects(policy.openApp(gone, 'other', 'write'), NOT_FOUND);
    await store.close();
  });

  it('plans no app when a push may not create one', async () => {
    const { store, policy, stranger } = await openRig(false);
    await assert.rejects(policy.openApp(stranger, 'fresh', 'write'), NOT_FOUND);
    await store.close();
  });

  it('tells the new name to a user of the app, and nothing to others', async () => {
    const { store, policy, app, owner, stranger } = await openRig();
    await store.renameApp(app.id, parseAppName('store'), { by: 'ada' });
    await assert.rejects(policy.openApp(owner, 'hello', 'write'), {
      code: 'SLIP_APP_RENAMED',
      message: 'The app hello was renamed to store.',
      hint: 'Use its new name: git remote set-url slipway ssh://git@host:2222/store.git',
    });
    await assert.rejects(policy.openApp(stranger, 'hello', 'write'), NOT_FOUND);
    assert.equal((await policy.openApp(owner, 'store', 'write')).appId, app.id);
  });
});
