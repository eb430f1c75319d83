import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { DEFAULT_CEILINGS } from '../../shared/domain/ceilings.ts';
import { DEFAULT_QUOTAS } from '../../shared/domain/quota.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, TEST_KEYRING } from '../support/store-fixtures.ts';

/** How much one user may make. */
export function quotaCases(get: () => Store): void {
  it('lets a user have as many of a thing as the quota says, also when all are asked for at once', async () => {
    const [ada, bob] = [await addUser(get()), await addUser(get(), 'bob', true)];
    await get().setQuotas(ada.id, { apps: 3, keys: 2, tokens: 1, domains: 3, domainsPerApp: 2 }, bob.name);
    const app = await addApp(get(), ada.id, 'app');
    const other = await addApp(get(), ada.id, 'other');
    const make: Readonly<Record<string, (index: number) => Promise<unknown>>> = {
      apps: (index) => addApp(get(), ada.id, `app-${String(index)}`),
      keys: (index) =>
        get().addKey({ fingerprint: `SHA256:${String(index)}`, userId: ada.id, publicKey: 'k', comment: '' }),
      tokens: () => get().addToken({ userId: ada.id, secretHash: randomId(), description: '' }),
      domains: (index) => get().addDomain((index % 2 === 0 ? app : other).id, `www${String(index)}.example.com`),
    };
    for (const [name, one] of Object.entries(make)) {
      const results = await Promise.allSettled(Array.from({ length: 9 }, (_, index) => one(index)));
      const refused = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as Error & { code: string }] : [],
      );
      assert.ok(refused.length > 0, name);
      const { max, used } = await get().quotasOf(ada.id);
      const quota = name as 'apps' | 'keys' | 'tokens' | 'domains';
      assert.equal(used[quota], max[quota], name);
      assert.ok(
        refused.every(({ code }) => code === 'SLIP_QUOTA' || (name === 'domains' && code === 'SLIP_DOMAIN_LIMIT')),
        name,
      );
    }
    assert.equal((await get().domainsOf(app.id)).length, 2, 'of one app');
    await addApp(get(), bob.id, 'of-bob');
  });

  it('names the users and apps that have more than a lowered quota', async () => {
    const [ada, bob] = [await addUser(get()), await addUser(get(), 'bob', true)];
    const app = await addApp(get(), ada.id, 'app');
    for (const name of ['one', 'two']) await addApp(get(), ada.id, name);
    for (const at of [1, 2]) await get().addDomain(app.id, `www${String(at)}.example.com`);
    await addApp(get(), bob.id, 'of-bob');
    assert.deepEqual(await get().overQuotas(), []);
    await get().setQuotas(ada.id, { apps: 2, domains: 2, domainsPerApp: 1 }, bob.name);
    assert.deepEqual(await get().overQuotas(), [
      { user: 'ada', quota: 'apps', used: 3, max: 2 },
      { user: 'ada', app: 'app', quota: 'domainsPerApp', used: 2, max: 1 },
    ]);
  });

  it('refuses a domain for which the route table of the fleet has no room, as the error of its app, and takes one that fits', async () => {
    const store = await openStore({
      path: ':memory:',
      clock: systemClock,
      randomId,
      keyring: TEST_KEYRING,
      domainsBytesMax: 40,
    });
    const ada = await addUser(store);
    const [app, other] = [await addApp(store, ada.id, 'app'), await addApp(store, ada.id, 'other')];
    await store.addDomain(app.id, 'www.example.com'); // 18 bytes
    await assert.rejects(store.addDomain(other.id, 'much-longer.example.com'), {
      code: 'SLIP_DOMAIN_TABLE',
      message:
        'other cannot have this domain: the domains of all apps would have 44 bytes in the route table, and the maximum is 40.',
    });
    await store.addDomain(other.id, 'one.example.com');
    await store.removeDomain(app.id, 'www.example.com');
    await store.addDomain(other.id, 'two.example.com');
    await store.close();
  });

  it('keeps the ceilings of limits, and takes one back to its default', async () => {
    assert.deepEqual(await get().limitCeilings(), DEFAULT_CEILINGS);
    await get().setLimitCeilings({ pidsMax: 1024 });
    assert.deepEqual(await get().setLimitCeilings({ diskBytes: 2 ** 40 }), {
      ...DEFAULT_CEILINGS,
      pidsMax: 1024,
      diskBytes: 2 ** 40,
    });
    await get().setLimitCeilings({ pidsMax: null });
    assert.deepEqual(await get().limitCeilings(), { ...DEFAULT_CEILINGS, diskBytes: 2 ** 40 });
  });

  it('says the number that is reached and the command that raises it', async () => {
    const ada = await addUser(get());
    await get().setQuotas(ada.id, { apps: 1 }, ada.name);
    await addApp(get(), ada.id, 'one');
    await assert.rejects(addApp(get(), ada.id, 'two'), {
      message: 'User ada has 1 apps, and the quota allows no more.',
      hint: 'Destroy an app with: slipway apps:destroy -a APP, or ask an administrator to raise it: slipway users:quotas ada apps=2',
    });
    await get().setQuotas(ada.id, { apps: 2 }, ada.name);
    await addApp(get(), ada.id, 'two');
  });

  it('stores the quotas of one user separately from the fleet’s, and records who changed them', async () => {
    const ada = await addUser(get());
    assert.deepEqual((await get().quotasOf(ada.id)).max, DEFAULT_QUOTAS);
    await get().setQuotas(ada.id, { builds: 9 }, ada.name);
    await get().setQuotas(ada.id, { keys: 7 }, ada.name);
    assert.deepEqual((await get().quotasOf(ada.id)).own, { builds: 9, keys: 7 });
    assert.equal(await get().quotaOf(ada.id, 'builds'), 9);
    const after = await get().setQuotas(ada.id, { builds: null }, ada.name);
    assert.deepEqual([after.own, after.max.builds], [{ keys: 7 }, DEFAULT_QUOTAS.builds]);
    const [event] = await get().events({ limit: 1 });
    assert.equal(event?.message, 'The quotas of user ada were changed: builds back to the default.');
  });
}
