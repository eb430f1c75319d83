import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RATE_LIMITED, type CertificateOrder } from '../../controller/domain/orders.ts';
import { DEFAULT_TLS_SETTINGS } from '../../controller/domain/tls-settings.ts';
import type { Store } from '../../controller/store/port.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

const HOST = 'shop.example.com';
const LATER_MS = 4_000_000_000_000;

/** Certificates from an ACME CA. */
export function orderCases(get: () => Store): void {
  async function addOrder(): Promise<{ readonly store: Store; readonly order: CertificateOrder }> {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    await store.addDomain(app.id, HOST);
    return { store, order: await store.addCertificateOrder(HOST) };
  }

  it('adds one order for a domain, and none for a name without a domain', async () => {
    const { store, order } = await addOrder();
    assert.match(order.id, /^[a-z0-9]{20}$/);
    assert.deepEqual([order.state, order.hostname, order.failures], ['needed', HOST, 0]);
    assert.deepEqual(await store.addCertificateOrder(HOST), order);
    await assert.rejects(store.addCertificateOrder('other.example.com'), { code: 'SLIP_STORE_NOT_FOUND' });
    assert.deepEqual(await store.certificateOrders(), [order]);
  });

  it('moves an order only from the state that it has, and keeps every field', async () => {
    const { store, order } = await addOrder();
    const checking: CertificateOrder = { ...order, state: 'checking', sinceMs: order.sinceMs + 1 };
    assert.equal(await store.moveOrder(order, { order: checking, uses: [] }), true);
    assert.equal(await store.moveOrder(order, { order: checking, uses: [] }), false);
    const waiting: CertificateOrder = {
      ...checking,
      ...{ state: 'waiting', resume: 'needed', dueAtMs: LATER_MS, failures: 2, directoryUrl: 'https://ca.test/dir' },
      ...{ orderUrl: 'https://ca.test/1', replaces: 'a.b', problem: { code: 'SLIP_X', message: 'No.', hint: 'h' } },
      certificate: {
        ...{ fingerprint: 'f', notBeforeMs: 1, notAfterMs: 2, ariId: 'a.b', renewAtMs: 3 },
        window: { startMs: 4, endMs: 5 },
      },
    };
    assert.equal(await store.moveOrder(checking, { order: waiting, uses: [] }), true);
    assert.deepEqual(await store.certificateOrder(HOST), waiting);
    const illegal: CertificateOrder = { ...waiting, state: 'serving' };
    await assert.rejects(store.moveOrder(waiting, { order: illegal, uses: [] }), { code: 'SLIP_STATE_ILLEGAL' });
  });

  it('keeps a private key from before the request until the certificate is stored', async () => {
    const { store, order } = await addOrder();
    const states = ['checking', 'ordered', 'finalizing', 'issued', 'delivering'] as const;
    let from = order;
    const kept: (string | undefined)[] = [];
    for (const [index, state] of states.entries()) {
      const to: CertificateOrder = { ...from, state, sinceMs: from.sinceMs + 1 };
      const key = index === 2 ? new Sensitive('the key') : undefined;
      assert.ok(await store.moveOrder(from, { order: to, uses: [] }, key));
      kept.push((await store.orderKey(order.id))?.reveal());
      from = to;
    }
    assert.deepEqual(kept, [undefined, undefined, 'the key', 'the key', undefined]);
  });

  it('tells which orders are due, how many a CA works on, and when the next is due', async () => {
    const { store, order } = await addOrder();
    const due = await store.dueOrders(order.dueAtMs);
    assert.deepEqual([due.due.length, due.busy, due.nextMs], [1, 0, undefined]);
    const checking: CertificateOrder = { ...order, state: 'checking', dueAtMs: LATER_MS };
    await store.moveOrder(order, { order: checking, uses: [] });
    assert.deepEqual(await store.dueOrders(order.dueAtMs), { due: [], busy: 1, nextMs: LATER_MS });
    assert.equal(await store.hurryOrder(HOST), false);
    await store.moveOrder(checking, { order: { ...checking, state: 'blocked' }, uses: [] });
    assert.equal(await store.hurryOrder(HOST), true);
    assert.equal(await store.hurryOrder('other.example.com'), false);
    assert.equal((await store.dueOrders(Date.now() + 60_000)).due.length, 1);
  });

  it('hides no open order behind many that wait for a place, and shows the urgent ones first', async () => {
    const { store, order } = await addOrder();
    const checking: CertificateOrder = { ...order, state: 'checking', dueAtMs: order.dueAtMs + 60_000 };
    assert.ok(await store.moveOrder(order, { order: checking, uses: [] }));
    for (let number = 0; number < 201; number += 1)
      await store.addDomain(order.appId, `n${String(number)}.example.com`);
    await store.addMissingOrders();
    const last = await store.certificateOrder('n200.example.com');
    assert.ok(last !== undefined);
    const certificate = { fingerprint: 'f', notBeforeMs: 1, notAfterMs: 2, renewAtMs: 3 };
    const ending: CertificateOrder = { ...last, certificate: { ...certificate, ariId: undefined, window: undefined } };
    assert.ok(await store.moveOrder(last, { order: { ...ending, dueAtMs: checking.dueAtMs }, uses: [] }));
    const { due } = await store.dueOrders(checking.dueAtMs);
    assert.deepEqual([due.length, due[0]?.hostname, due[1]?.hostname], [201, HOST, 'n200.example.com']);
  });

  it('makes an order due whose times are of a clock that was ahead', async () => {
    const { store, order } = await addOrder();
    const aheadMs = order.sinceMs + 400 * 24 * 60 * 60_000;
    const ahead: CertificateOrder = { ...order, state: 'checking', sinceMs: aheadMs, dueAtMs: aheadMs };
    assert.ok(await store.moveOrder(order, { order: ahead, uses: [] }));
    const { due } = await store.dueOrders(order.dueAtMs);
    assert.deepEqual([due[0]?.hostname, due[0]?.sinceMs, due[0]?.dueAtMs], [HOST, order.dueAtMs, order.dueAtMs]);
  });

  it('does not hurry an order before the time that the CA named', async () => {
    const { store, order } = await addOrder();
    const problem = { code: RATE_LIMITED, message: 'Later.' };
    const checking: CertificateOrder = { ...order, state: 'checking' };
    await store.moveOrder(order, { order: checking, uses: [] });
    const waiting: CertificateOrder = { ...checking, state: 'waiting', resume: 'ordered', dueAtMs: LATER_MS, problem };
    assert.ok(await store.moveOrder(checking, { order: waiting, uses: [] }));
    assert.equal(await store.hurryOrder(HOST), false);
    assert.equal((await store.certificateOrder(HOST))?.dueAtMs, LATER_MS);
  });

  it('counts what a CA limits, also after the domain is gone', async () => {
    const { store, order } = await addOrder();
    const use = { kind: 'names', key: HOST } as const;
    const checking: CertificateOrder = { ...order, state: 'checking' };
    await store.moveOrder(order, { order: checking, uses: [use, { kind: 'orders', key: 'ca' }] });
    assert.equal(await store.removeDomain(order.appId, HOST), true);
    assert.equal(await store.certificateOrder(HOST), undefined);
    const [names, failures] = await store.acmeUses([use, { kind: 'failures', key: HOST }], 0);
    assert.deepEqual([names?.atMs.length, failures?.atMs], [1, []]);
    assert.deepEqual((await store.acmeUses([use], LATER_MS))[0]?.atMs, []);
  });

  it('orders what is missing, but neither for wildcards without a DNS provider nor where it is switched off', async () => {
    const { store, order } = await addOrder();
    const other = await addApp(store, (await addUser(store, 'bob')).id, 'other');
    for (const hostname of ['*.example.com', 'www.example.com']) await store.addDomain(order.appId, hostname);
    await store.addDomain(other.id, 'other.example.com');
    assert.equal(await store.addMissingOrders(order.appId), 1);
    await store.setCertsAuto(other.id, false);
    assert.equal(await store.addMissingOrders(), 0);
    await store.setCertsAuto(other.id, true);
    assert.equal(await store.addMissingOrders(), 1);
    const names = (await store.ordersOfApp(order.appId)).map(({ hostname }) => hostname);
    assert.deepEqual(names, [HOST, 'www.example.com']);
    assert.equal((await store.domain('other.example.com'))?.appId, other.id);
    assert.equal(await store.domain('nobody.example.com'), undefined);
  });

  it('keeps whether an app redirects to HTTPS', async () => {
    const { store, order } = await addOrder();
    assert.equal(await store.httpsRedirect(order.appId), true);
    await store.setHttpsRedirect(order.appId, false);
    assert.equal(await store.httpsRedirect(order.appId), false);
  });

  it('keeps the settings, and the key of an account', async () => {
    const { store, order } = await addOrder();
    assert.deepEqual(await store.tlsSettings(), DEFAULT_TLS_SETTINGS);
    const directoryUrl = 'https://ca.test/dir';
    const externalAccount = { keyId: 'kid', hmacKey: new Sensitive('secret') };
    const settings = {
      ...{ directoryUrl, contacts: ['ops@example.com'], profile: 'shortlived', termsAgreed: true },
      trustedCaPem: 'a certificate',
    };
    await store.setTlsSettings({ ...settings, externalAccount });
    const known = await store.tlsSettings();
    assert.deepEqual({ ...known, externalAccount: undefined }, { ...settings, externalAccount: undefined });
    assert.equal(known.externalAccount?.hmacKey.reveal(), 'secret');
    await store.setTlsSettings({ ...settings, externalAccount: undefined });
    assert.equal((await store.tlsSettings()).externalAccount, undefined);
    await store.addAcmeAccount(directoryUrl, new Sensitive('first'));
    await store.addAcmeAccount(directoryUrl, new Sensitive('second'));
    await store.setAcmeAccountUrl(directoryUrl, 'https://ca.test/account/1');
    const account = await store.acmeAccount(directoryUrl);
    assert.deepEqual([account?.keyPem.reveal(), account?.url], ['first', 'https://ca.test/account/1']);
    assert.equal(await store.acmeAccount('https://other.test/dir'), undefined);
    assert.equal(await store.certsAuto(order.appId), undefined);
    await store.setCertsAuto(order.appId, false);
    await store.setCertsAuto(order.appId, true);
    assert.equal(await store.certsAuto(order.appId), true);
  });
}
