import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlannedApps } from '../../../../controller/push/planned-apps.ts';
import type { GitUser } from '../../../../controller/push/port.ts';
import type { User } from '../../../../controller/domain/users.ts';
import { parseAppName } from '../../../../shared/domain/names.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

const shop = parseAppName('shop');

async function rig() {
  const store = await openMemoryStore();
  const [ada, bob] = [await addUser(store, 'ada'), await addUser(store, 'bob')];
  const person = ({ id, name }: User): GitUser => ({ userId: id, name });
  return { store, ada: person(ada), bob: person(bob), apps: new PlannedApps({ store, stack: 'host', randomId }) };
}

test('a push that is not accepted makes no app and uses no range of user ids', async () => {
  const { store, ada, apps } = await rig();
  for (let round = 0; round < 3; round += 1) assert.equal(await apps.close(ada, await apps.plan(ada, shop)), true);
  assert.equal(await store.countApps(), 0);
  const app = await apps.plan(ada, shop);
  await apps.accept(ada, app);
  assert.equal(await apps.close(ada, app), false);
  assert.equal((await store.appByName(shop))?.uidBase, 0x20000000);
  await store.close();
});

test('two first pushes of one user share the app, whichever is accepted first', async () => {
  const { store, ada, apps } = await rig();
  const [one, two] = [await apps.plan(ada, shop), await apps.plan(ada, shop)];
  assert.equal(one.appId, two.appId);
  await Promise.all([apps.accept(ada, one), apps.accept(ada, two)]);
  assert.deepEqual([await apps.close(ada, one), await apps.close(ada, two)], [false, false]);
  assert.equal(await store.countApps(), 1);
  await store.close();
});

test('when two users push the same new name, one gets it; the other gets an error and no app', async () => {
  const { store, ada, bob, apps } = await rig();
  const [hers, his] = [await apps.plan(ada, shop), await apps.plan(bob, shop)];
  assert.notEqual(hers.appId, his.appId);
  await apps.accept(bob, his);
  await assert.rejects(apps.accept(ada, hers), { code: 'SLIP_APP_EXISTS' });
  assert.deepEqual([await apps.close(ada, hers), await apps.close(bob, his)], [true, false]);
  await store.close();
});

test('a push beyond the quota of apps is refused before any object is sent', async () => {
  const { store, ada, apps } = await rig();
  await store.setQuotas(ada.userId, { apps: 1 }, ada.name);
  await addApp(store, ada.userId, 'other');
  await assert.rejects(apps.plan(ada, shop), { code: 'SLIP_QUOTA' });
  await store.close();
});
