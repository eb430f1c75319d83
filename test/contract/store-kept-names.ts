import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { KEPT_APP_NAMES_MAX, KEPT_DOMAINS_MAX, KEPT_NAME_MS } from '../../controller/domain/domains.ts';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, openMemoryStore, TEST_KEYRING } from '../support/store-fixtures.ts';

const HOST = 'shop.example.com';

/** The wall clock of a test. */
function handClock(): Clock & { now: number } {
  const clock = { ...systemClock, now: Date.parse('2026-12-01T00:00:00Z'), nowMs: () => clock.now };
  return clock;
}

/** Domains and names of apps that are kept for their last owner. */
export function keptNameCases(get: () => Store): void {
  it('keeps a removed domain for its owner, and refuses others without a proof', async () => {
    const store = get();
    const [ada, bob] = [await addUser(store), await addUser(store, 'bob')];
    const [shop, other] = [await addApp(store, ada.id, 'shop'), await addApp(store, ada.id, 'other')];
    const blog = await addApp(store, bob.id, 'blog');
    await store.addDomain(shop.id, HOST, { proof: 'txt' });
    assert.deepEqual(await store.domainHolder(HOST), { kind: 'app', appId: shop.id, ownerId: ada.id });
    assert.equal(await store.removeDomain(blog.id, HOST), false);
    assert.deepEqual(await store.keptDomains(bob.id), []);
    await store.removeDomain(shop.id, HOST);
    const [kept] = await store.keptDomains(ada.id);
    assert.deepEqual([kept?.hostname, kept?.app], [HOST, 'shop']);
    assert.deepEqual(await store.domainHolder(HOST), { kind: 'kept', ownerId: ada.id, untilMs: kept?.untilMs });
    await assert.rejects(store.addDomain(blog.id, HOST), { code: 'SLIP_DOMAIN_KEPT', kind: 'conflict' });
    assert.equal((await store.keptDomains(ada.id)).length, 1, 'the refusal changes nothing');
    assert.equal((await store.addDomain(other.id, HOST)).proof, 'txt', 'its owner needs no other proof');
    assert.deepEqual(await store.keptDomains(ada.id), []);
  });

  it('gives a domain to the user who proved it, also within the 30 days, and tells the last owner', async () => {
    const store = get();
    const [ada, bob] = [await addUser(store), await addUser(store, 'bob')];
    const [shop, blog] = [await addApp(store, ada.id, 'shop'), await addApp(store, bob.id, 'blog')];
    await store.addDomain(shop.id, HOST);
    await assert.rejects(store.addDomain(blog.id, HOST, { proof: 'txt' }), { code: 'SLIP_DOMAIN_TAKEN' });
    await store.addDomain(blog.id, HOST, { proof: 'txt', takenFrom: shop.id });
    assert.deepEqual([await store.domainsOf(shop.id), await store.keptDomains(ada.id)], [[], []]);
    const lost = async (): Promise<readonly string[]> =>
      (await store.events({ ownerId: ada.id, limit: 9 }))
        .filter(({ kind }) => kind === 'domain.lost')
        .map((e) => e.message);
    const message = `shop lost the domain ${HOST}: another user proved that it is theirs.`;
    assert.deepEqual(await lost(), [message]);
    await store.addDomain(shop.id, 'old.example.com');
    await store.removeDomain(shop.id, 'old.example.com');
    await store.addDomain(blog.id, 'old.example.com', { proof: 'cname' });
    assert.equal((await lost()).length, 2);
  });

  it('keeps the domains and the names of a destroyed app for its owner', async () => {
    const store = get();
    const [ada, bob] = [await addUser(store), await addUser(store, 'bob')];
    const shop = await addApp(store, ada.id, 'first');
    await store.renameApp(shop.id, parseAppName('shop'), { by: 'ada' });
    const blog = await addApp(store, bob.id, 'blog');
    for (const hostname of [HOST, '*.example.com']) await store.addDomain(shop.id, hostname);
    await store.destroyApp(shop.id, ada.name);
    assert.deepEqual(
      (await store.keptDomains(ada.id)).map(({ hostname, app }) => [hostname, app]),
      [
        ['*.example.com', 'shop'],
        [HOST, 'shop'],
      ],
    );
    await assert.rejects(store.addDomain(blog.id, HOST), { code: 'SLIP_DOMAIN_KEPT' });
    for (const name of ['shop', 'first']) {
      await assert.rejects(addApp(store, bob.id, name), { code: 'SLIP_APP_NAME_KEPT' });
      await assert.rejects(store.renameApp(blog.id, parseAppName(name), { by: 'bob' }), { code: 'SLIP_APP_NAME_KEPT' });
    }
    const again = await addApp(store, ada.id, 'shop');
    await store.addDomain(again.id, HOST);
    await assert.rejects(addApp(store, bob.id, 'shop'), { code: 'SLIP_APP_EXISTS' });
  });

  it('derives proofs from one key, which never changes', async () => {
    const key = await get().domainProofKey();
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal(await get().domainProofKey(), key);
  });
  timeCases();
}

function timeCases(): void {
  it('keeps names for 30 days by the clock, also over a restart', async () => {
    const clock = handClock();
    const dir = await mkdtemp(join(tmpdir(), 'slipway-kept-'));
    const open = (): Promise<Store> =>
      openStore({ path: join(dir, 'slipway.db'), clock, randomId, keyring: TEST_KEYRING });
    const first = await open();
    const [ada, bob] = [await addUser(first), await addUser(first, 'bob')];
    const [shop, blog] = [await addApp(first, ada.id, 'shop'), await addApp(first, bob.id, 'blog')];
    const key = await first.domainProofKey();
    await first.addDomain(shop.id, HOST);
    await first.destroyApp(shop.id, ada.name);
    await first.close();
    clock.now += KEPT_NAME_MS - 1;
    const store = await open();
    assert.equal(await store.domainProofKey(), key);
    await assert.rejects(store.addDomain(blog.id, HOST), {
      message: `The domain ${HOST} is kept for its last owner until 2026-12-31T00:00:00.000Z.`,
    });
    await assert.rejects(addApp(store, bob.id, 'shop'), { message: /until 2026-12-31T00:00:00.000Z/ });
    clock.now += 1;
    assert.deepEqual([await store.domainHolder(HOST), await store.keptDomains(ada.id)], [undefined, []]);
    await store.addDomain(blog.id, HOST);
    await addApp(store, bob.id, 'shop');
    await store.close();
    await rm(dir, { recursive: true });
  });

  it('keeps only the newest names of an owner, and forgets old ones when others are added', async () => {
    const clock = handClock();
    const store = await openMemoryStore(clock);
    const ada = await addUser(store, 'ada', true);
    await store.setQuotas(ada.id, { domains: 10_000, domainsPerApp: 2_000 }, ada.name);
    const shop = await addApp(store, ada.id, 'shop');
    for (let at = 0; at < KEPT_DOMAINS_MAX + 2; at += 1) await store.addDomain(shop.id, `w${String(at)}.example.com`);
    assert.equal(await store.clearDomains(shop.id), KEPT_DOMAINS_MAX + 2);
    assert.equal((await store.keptDomains(ada.id)).length, KEPT_DOMAINS_MAX);
    clock.now += 1;
    await store.addDomain(shop.id, HOST);
    await store.removeDomain(shop.id, HOST);
    const names = (await store.keptDomains(ada.id)).map(({ hostname }) => hostname);
    assert.deepEqual([names.length, names.includes(HOST)], [KEPT_DOMAINS_MAX, true]);
    const bob = await addUser(store, 'bob');
    for (let at = 0; at <= KEPT_APP_NAMES_MAX; at += 1) {
      clock.now += 1;
      await store.destroyApp((await addApp(store, ada.id, `app-${String(at)}`)).id, ada.name);
    }
    await addApp(store, bob.id, 'app-0');
    await assert.rejects(addApp(store, bob.id, 'app-1'), { code: 'SLIP_APP_NAME_KEPT' });
    await store.close();
  });
}
