import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import type { InstanceId, UserId } from '../../shared/domain/ids.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange } from '../support/store-fixtures.ts';

/** What screens read of many apps, users or instances at once. */
export function bulkQueryCases(get: () => Store): void {
  it('lists the apps of a user, and of everybody, by name and in parts', async () => {
    const ada = await addUser(get());
    const bob = await addUser(get(), 'bob', true);
    for (const name of ['zoo', 'abc']) await addApp(get(), ada.id, name);
    await addApp(get(), bob.id, 'mine');
    const names = async (page: Parameters<Store['appPage']>[0]) =>
      (await get().appPage(page)).map((app) => app.name as string);
    assert.deepEqual(await names({ ownerId: ada.id, limit: 9 }), ['abc', 'zoo']);
    assert.deepEqual(await names({ limit: 2 }), ['abc', 'mine']);
    assert.deepEqual(await names({ limit: 2, after: 'mine' }), ['zoo']);
    assert.deepEqual([await get().countApps(), await get().countApps(bob.id)], [3, 1]);
    assert.deepEqual(await get().deployedApps(), []);
  });

  it('names the users of an answer at once', async () => {
    const [ada, bob] = [await addUser(get()), await addUser(get(), 'bob')];
    assert.deepEqual(
      [...(await get().userNames([bob.id, ada.id, 'nobody000001' as UserId]))].sort(),
      [
        [ada.id, ada.name],
        [bob.id, bob.name],
      ].sort(),
    );
    assert.equal((await get().userNames([])).size, 0);
  });

  it('knows which of some instances move, and where', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const [from, to] = [await addNode(get(), 'n1'), await addNode(get(), 'n2')];
    await get().createRelease(newRelease(app));
    const [moves, stays] = [1, 2].map((ordinal) => assignment({ nodeId: from.id, appId: app.id, release: 1, ordinal }));
    const copy = {
      ...assignment({ nodeId: to.id, appId: app.id, release: 1, ordinal: 1 }),
      replaces: moves!.instanceId,
    };
    await get().beginRollout(app.id, 1, { ...noChange, add: [moves!, stays!, copy] });
    const asked = [moves!.instanceId, stays!.instanceId, 'instance0001' as InstanceId];
    assert.deepEqual([...(await get().copyNodes(asked))], [[moves!.instanceId, to.id]]);
  });
}
