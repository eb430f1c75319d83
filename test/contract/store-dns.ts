import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CertificateOrder } from '../../controller/domain/orders.ts';
import type { Store } from '../../controller/store/port.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { aProvider } from '../support/dns-program.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

const HOST = '*.example.com';
const LATER_MS = 4_000_000_000_000;

/** Certificates by DNS-01. */
export function dnsCases(get: () => Store): void {
  async function addOrder(): Promise<CertificateOrder> {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    await store.addDomain(app.id, HOST);
    return await store.addCertificateOrder(HOST);
  }

  async function move(from: CertificateOrder, states: readonly CertificateOrder['state'][]): Promise<CertificateOrder> {
    let order = from;
    for (const state of states) {
      const to: CertificateOrder = { ...order, state, sinceMs: order.sinceMs + 1 };
      assert.ok(await get().moveOrder(order, { order: to, uses: [] }));
      order = to;
    }
    return order;
  }

  it('keeps providers with their secrets, one for each zone, and removes them', async () => {
    const store = get();
    const secret = new Sensitive('planted');
    await store.addDnsProvider(aProvider({ secret, settings: { host: 'ns1' } }));
    await store.addDnsProvider(aProvider({ name: 'other', zone: 'example.org' }));
    const [main, other] = await store.dnsProviders();
    assert.deepEqual([main?.secret?.reveal(), main?.settings], ['planted', { host: 'ns1' }]);
    assert.deepEqual([other?.name, other?.secret], ['other', undefined]);
    await assert.rejects(store.addDnsProvider(aProvider({ zone: 'a.example' })), { code: 'SLIP_DNS_PROVIDER_EXISTS' });
    await assert.rejects(store.addDnsProvider(aProvider({ name: 'third' })), { code: 'SLIP_DNS_ZONE_TAKEN' });
    assert.deepEqual(await store.removeDnsProvider('main'), []);
    assert.equal(await store.removeDnsProvider('main'), undefined);
    for (let at = 0; at < 49; at += 1) {
      await store.addDnsProvider(aProvider({ name: `p${String(at)}`, zone: `z${String(at)}.example` }));
    }
    await assert.rejects(store.addDnsProvider(aProvider()), { code: 'SLIP_DNS_PROVIDERS' });
  });

  it('orders certificates of wildcards only in zones with a provider', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    for (const hostname of ['*.shop.example.com', '*.example.org']) await store.addDomain(app.id, hostname);
    assert.equal(await store.addMissingOrders(app.id), 0);
    await store.addDnsProvider(aProvider());
    assert.equal(await store.addMissingOrders(app.id), 1);
    assert.deepEqual(
      (await store.certificateOrders()).map(({ hostname }) => hostname),
      ['*.shop.example.com'],
    );
  });

  it('keeps a record while its order needs it, and tells afterwards that it must be removed', async () => {
    const store = get();
    const order = await move(await addOrder(), ['checking', 'ordered', 'presenting']);
    const record = { orderId: order.id, provider: 'main', name: '_acme-challenge.example.com', value: 'v1' };
    await store.addChallengeRecord(record);
    await store.addChallengeRecord(record);
    assert.deepEqual(await store.challengeRecords(order.id), [{ ...record, failures: 0 }]);
    assert.deepEqual(await store.staleRecords(LATER_MS), { due: [], nextMs: undefined });
    const waiting: CertificateOrder = { ...order, state: 'waiting', resume: 'propagating', sinceMs: 9 };
    assert.ok(await store.moveOrder(order, { order: waiting, uses: [] }));
    assert.deepEqual((await store.staleRecords(LATER_MS)).due, []);
    const again = await move({ ...waiting }, ['propagating', 'answering', 'validating', 'finalizing']);
    const [stale] = (await store.staleRecords(LATER_MS)).due;
    assert.deepEqual(stale, { ...record, failures: 0 });
    await store.postponeRecord(stale, LATER_MS + 5);
    assert.deepEqual(await store.staleRecords(LATER_MS), { due: [], nextMs: LATER_MS + 5 });
    assert.equal((await store.challengeRecords(again.id))[0]?.failures, 1);
    assert.equal((await store.challengeRecordCounts()).get('main'), 1);
    await store.removeChallengeRecord(stale);
    assert.deepEqual(await store.challengeRecords(order.id), []);
  });

  it('keeps the record of an order that ended with its domain, until its provider is removed', async () => {
    const store = get();
    await store.addDnsProvider(aProvider());
    const order = await move(await addOrder(), ['checking', 'ordered', 'presenting']);
    const record = { orderId: order.id, provider: 'main', name: '_acme-challenge.example.com', value: 'v1' };
    await store.addChallengeRecord(record);
    await store.removeDomain(order.appId, HOST);
    assert.equal(await store.certificateOrder(HOST), undefined);
    assert.equal((await store.staleRecords(LATER_MS)).due.length, 1);
    assert.deepEqual(await store.removeDnsProvider('main'), [{ ...record, failures: 0 }]);
    assert.deepEqual(await store.staleRecords(LATER_MS), { due: [], nextMs: undefined });
  });
}
