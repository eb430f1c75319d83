import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderLoop } from '../../../../../controller/certificates/orders/order-loop.ts';
import type { OpenAccount } from '../../../../../controller/certificates/orders/accounts.ts';
import { systemClock } from '../../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../../shared/kit/log.ts';
import { BLOCKED } from '../../../../support/certificate-orders.ts';
import { addApp, addUser, openMemoryStore } from '../../../../support/store-fixtures.ts';

test('a stop of the controller in the middle of a step is no failure of the order', async (t) => {
  const store = await openMemoryStore();
  t.after(() => store.close());
  const app = await addApp(store, (await addUser(store)).id);
  await store.addDomain(app.id, 'shop.example.com');
  await store.addCertificateOrder('shop.example.com');
  const stop = new AbortController();
  const loop = new OrderLoop({
    ...{ store, clock: systemClock, failpoint: noFailpoint, log: silentLogger, random: () => 0 },
    accounts: { open: () => Promise.resolve({} as OpenAccount), forget: () => Promise.resolve() },
    certificates: { save: () => Promise.reject(new Error('unused')), isServed: () => Promise.resolve(false) },
    dns: { present: () => Promise.resolve(undefined), missing: () => Promise.resolve(undefined) },
    preflight: () => {
      stop.abort();
      return Promise.resolve(BLOCKED);
    },
  });
  await loop.run(stop.signal);
  const order = await store.certificateOrder('shop.example.com');
  assert.deepEqual([order?.state, order?.failures, order?.problem], ['checking', 0, undefined]);
});

test('an unexpected error of a step gives the place free, and the order has its reason', async (t) => {
  const store = await openMemoryStore();
  t.after(() => store.close());
  const app = await addApp(store, (await addUser(store)).id);
  await store.addDomain(app.id, 'shop.example.com');
  await store.addCertificateOrder('shop.example.com');
  const stop = new AbortController();
  const loop = new OrderLoop({
    ...{ store, clock: systemClock, failpoint: noFailpoint, log: silentLogger, random: () => 0 },
    accounts: { open: () => Promise.resolve({} as OpenAccount), forget: () => Promise.resolve() },
    dns: { present: () => Promise.resolve(undefined), missing: () => Promise.resolve(undefined) },
    certificates: { save: () => Promise.reject(new Error('unused')), isServed: () => Promise.resolve(false) },
    preflight: () => Promise.reject(new Error('the disk is full')),
    onMove: (_, { state }) => {
      if (state === 'waiting') stop.abort();
    },
  });
  await loop.run(stop.signal);
  const order = await store.certificateOrder('shop.example.com');
  assert.deepEqual(
    [order?.state, order?.resume, order?.failures, order?.problem?.code],
    ['waiting', 'checking', 1, 'SLIP_INTERNAL'],
  );
  assert.equal((await store.dueOrders(systemClock.nowMs())).busy, 0);
});
