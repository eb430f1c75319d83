import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Store } from '../../controller/store/port.ts';
import { addApp, addUser, newRelease, noChange } from '../support/store-fixtures.ts';

/** The canonical name and HSTS of apps. */
export function httpsRuleCases(get: () => Store): void {
  const addShop = async (): Promise<{ store: Store; shop: AppId; other: AppId }> => {
    const store = get();
    const { id } = await addUser(store, 'ada');
    const [shop, other] = [(await addApp(store, id, 'shop')).id, (await addApp(store, id, 'other')).id];
    for (const hostname of ['example.com', 'www.example.com']) await store.addDomain(shop, hostname);
    return { store, shop, other };
  };

  it('has one canonical name for an app, which is one of its domains', async () => {
    const { store, shop, other } = await addShop();
    assert.equal(await store.canonicalName(shop), undefined);
    assert.equal(await store.setCanonicalName(other, 'example.com'), false, 'a domain of another app');
    assert.equal(await store.setCanonicalName(shop, 'nobody.example.com'), false);
    assert.equal(await store.setCanonicalName(shop, 'example.com'), true);
    assert.equal(await store.setCanonicalName(shop, 'www.example.com'), true);
    assert.equal(await store.canonicalName(shop), 'www.example.com');
    assert.equal(await store.setCanonicalName(shop, undefined), true);
    assert.equal(await store.canonicalName(shop), undefined);
  });

  it('ends a canonical name with its domain, and it does not come back with the domain', async () => {
    const { store, shop } = await addShop();
    await store.setCanonicalName(shop, 'www.example.com');
    await store.removeDomain(shop, 'example.com');
    assert.equal(await store.canonicalName(shop), 'www.example.com', 'another domain');
    await store.removeDomain(shop, 'www.example.com');
    await store.addDomain(shop, 'www.example.com');
    assert.equal(await store.canonicalName(shop), undefined);
    await store.setCanonicalName(shop, 'www.example.com');
    await store.clearDomains(shop);
    assert.equal(await store.canonicalName(shop), undefined);
  });

  it('keeps HSTS of an app, and routes know it', async () => {
    const ada = await addUser(get(), 'ada');
    const app = await addApp(get(), ada.id, 'shop');
    const [store, shop] = [get(), app.id];
    await store.addDomain(shop, 'www.example.com');
    await store.createRelease(newRelease(app));
    await store.beginRollout(shop, 1, noChange);
    await store.completeRollout(shop, 1, noChange);
    const routed = async (): Promise<unknown> => {
      const [found] = await store.routedApps(shop);
      return [found?.canonical, found?.hsts];
    };
    assert.deepEqual(await routed(), [undefined, undefined]);
    assert.equal(await store.hsts(shop), undefined);
    const hsts = { maxAgeS: 60, includeSubdomains: true, preload: false };
    await store.setHsts(shop, { ...hsts, maxAgeS: 5 });
    await store.setHsts(shop, hsts);
    await store.setCanonicalName(shop, 'www.example.com');
    assert.deepEqual(await store.hsts(shop), hsts);
    assert.deepEqual(await routed(), ['www.example.com', hsts]);
    await store.setHsts(shop, undefined);
    assert.equal(await store.hsts(shop), undefined);
  });
}
