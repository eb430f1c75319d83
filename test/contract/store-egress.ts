import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EGRESS_LIST_MAX } from '../../shared/domain/egress.ts';
import type { Store } from '../../controller/store/port.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

/** Private networks that sandboxes may reach. */
export function egressCases(get: () => Store): void {
  it('keeps the private networks of the fleet and of each app apart', async () => {
    const store = get();
    const ada = await addUser(store);
    const [app, other] = [await addApp(store, ada.id, 'app'), await addApp(store, ada.id, 'other')];
    assert.deepEqual(await store.egress(), { fleet: [], apps: [] });
    for (const list of [undefined, app.id, other.id]) await store.addEgress(list, '10.0.5.0/24');
    await store.addEgress(app.id, '10.0.6.0/24');
    assert.deepEqual(await store.egress(), {
      fleet: ['10.0.5.0/24'],
      apps: [
        { app: 'app', uidBase: app.uidBase, cidrs: ['10.0.5.0/24', '10.0.6.0/24'] },
        { app: 'other', uidBase: other.uidBase, cidrs: ['10.0.5.0/24'] },
      ],
    });
    for (const list of [undefined, app.id])
      await assert.rejects(store.addEgress(list, '10.0.5.0/24'), { code: 'SLIP_EGRESS_EXISTS' });
    assert.equal(await store.removeEgress(undefined, '10.0.5.0/24'), true);
    assert.equal(await store.removeEgress(undefined, '10.0.5.0/24'), false);
    assert.equal(await store.removeEgress(other.id, '10.0.6.0/24'), false);
    assert.deepEqual(
      (await store.egress()).apps.map(({ app: name }) => name),
      ['app', 'other'],
    );
  });

  it('refuses more networks of one list than its limit, and stores none of them', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    for (let at = 0; at < EGRESS_LIST_MAX; at += 1) await store.addEgress(app.id, `10.0.${String(at)}.0/24`);
    await assert.rejects(store.addEgress(app.id, '10.1.0.0/24'), { code: 'SLIP_EGRESS_LIMIT', message: /50 networks/ });
    await store.addEgress(undefined, '10.1.0.0/24');
    assert.equal((await store.egress()).apps[0]?.cidrs.length, EGRESS_LIST_MAX);
  });
}
