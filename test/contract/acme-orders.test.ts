import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeAccounts } from '../../controller/certificates/orders/accounts.ts';
import { eventually, letPass } from '../support/eventually.ts';
import { makeOrderLab, type OrderLab } from '../support/order-lab.ts';

/** Between all steps of an order. */
const STAGES = [
  ...['checking', 'checkingDone', 'ordered', 'orderedDone', 'answering', 'answeringDone', 'validating'],
  ...['validatingDone', 'finalizing', 'finalizingDone', 'issued', 'issuedDone', 'delivering', 'deliveringDone'],
];
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * 60_000;

const newOrders = ({ faults }: OrderLab): number => faults.requests.filter((line) => line === 'POST /order-plz').length;

test('a controller that is killed at any stage makes one order and one certificate', async (t) => {
  const lab = await makeOrderLab(t);
  for (const stage of STAGES) {
    const hostname = `${stage.toLowerCase()}.example.com`;
    const before = newOrders(lab);
    let killed = false;
    const stop = lab.start(async (name) => {
      if (name !== `certificateOrder.${stage}`) return;
      killed = true;
      await new Promise(() => undefined);
    });
    await lab.order(hostname);
    await eventually(`the controller is killed at ${stage}`, () => killed);
    stop();
    const end = lab.start();
    await lab.reaches(hostname, 'serving');
    end();
    assert.equal(newOrders(lab) - before, 1, stage);
    const mine = lab.saved.filter((certificate) => certificate.hostname === hostname);
    assert.equal(new Set(mine.map(({ fingerprint }) => fingerprint)).size, 1, stage);
    assert.ok(mine.every(({ belongsToKey }) => belongsToKey));
  }
});

test('20 of 100 nonces are refused, and twelve names get their certificates', async (t) => {
  const lab = await makeOrderLab(t, { badNonces: 20 });
  lab.start();
  const names = Array.from({ length: 12 }, (_, index) => `n${String(index)}.shop${String(index)}.example`);
  for (const name of names) await lab.order(name);
  for (const name of names) await lab.reaches(name, 'serving');
  assert.equal(lab.saved.length, names.length);
});

test('a 429 with Retry-After is a wait in the store, over a restart, without a request before its end', async (t) => {
  const lab = await makeOrderLab(t);
  const rateLimited = { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many new orders' };
  lab.faults.inject(/^\/order-plz$/, {
    ...{ kind: 'answer', status: 429, body: rateLimited },
    headers: { 'retry-after': '7200' },
  });
  const stop = lab.start();
  const askedAtMs = lab.clock.nowMs();
  await lab.order('shop.example.com');
  const waiting = await lab.reaches('shop.example.com', 'waiting');
  assert.equal(waiting.problem?.code, 'SLIP_CERT_RATE_LIMITED');
  assert.match(waiting.problem.message, /too many new orders/);
  assert.ok(waiting.dueAtMs >= askedAtMs + 2 * HOUR_MS);
  stop();
  lab.start();
  lab.clock.pass(2 * HOUR_MS - 10 * 60_000);
  await letPass(300);
  assert.equal((await lab.find('shop.example.com')).state, 'waiting');
  assert.equal(newOrders(lab), 1);
  lab.clock.pass(11 * 60_000);
  await lab.reaches('shop.example.com', 'serving');
  assert.equal(newOrders(lab), 2);
});

test('a 503 with a date waits until the date, and one without waits a minute', async (t) => {
  const lab = await makeOrderLab(t);
  const date = new Date(lab.clock.nowMs() + 3 * HOUR_MS).toUTCString();
  lab.faults.inject(/^\/order-plz$/, { kind: 'answer', status: 503, headers: { 'retry-after': date } });
  lab.start();
  await lab.order('date.example.com');
  const dated = await lab.reaches('date.example.com', 'waiting');
  assert.ok(Math.abs(dated.dueAtMs - Date.parse(date)) < 2_000);
  lab.faults.inject(/^\/order-plz$/, { kind: 'answer', status: 503 });
  await lab.order('none.example.com');
  const none = await lab.reaches('none.example.com', 'waiting');
  assert.equal(none.dueAtMs - none.sinceMs, 60_000);
});

test('an answer that is lost, and a slow CA, lead to one order and one certificate', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  lab.faults.inject(/^\/order-plz$/, { kind: 'drop' });
  await lab.order('made.example.com');
  await lab.reaches('made.example.com', 'waiting');
  lab.clock.pass(MINUTE_MS);
  await lab.reaches('made.example.com', 'serving');
  assert.equal(newOrders(lab), 1);
  lab.faults.inject(/^\/finalize-order\//, { kind: 'drop' });
  await lab.order('finalized.example.com');
  assert.equal((await lab.reaches('finalized.example.com', 'waiting')).resume, 'finalizing');
  lab.clock.pass(MINUTE_MS);
  await lab.reaches('finalized.example.com', 'serving');
  lab.faults.inject(/^\/finalize-order\//, { kind: 'status', status: 'processing' });
  await lab.order('slow.example.com');
  await lab.reaches('slow.example.com', 'finalizing');
  lab.faults.inject(/^\/my-order\//, { kind: 'status', status: 'processing' }, 30);
  const slow = await lab.reaches('slow.example.com', 'serving');
  assert.equal(slow.failures, 0);
  assert.equal(newOrders(lab), 3);
  assert.equal(lab.saved.length, 3);
});

test('each failed validation waits longer, and the words of the CA are kept', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  // The CA finds no server at this address.
  await lab.pebble.dns('add-a', { host: 'shop.example.com', addresses: ['127.0.0.9'] });
  await lab.order('shop.example.com');
  const waits: number[] = [];
  for (const failures of [1, 2, 3, 4, 5]) {
    const waiting = await eventually(`failure ${String(failures)}`, async () => {
      const order = await lab.reaches('shop.example.com', 'waiting');
      return order.failures === failures ? order : undefined;
    });
    assert.equal(waiting.problem?.code, 'SLIP_CERT_VALIDATION');
    waits.push(Math.round((waiting.dueAtMs - waiting.sinceMs) / 60_000));
    lab.clock.pass(waiting.dueAtMs - waiting.sinceMs);
  }
  assert.deepEqual(waits, [1, 10, 100, 1440, 1440]);
});

test('what the checks find blocks the order, and the CA is never asked', async (t) => {
  const lab = await makeOrderLab(t);
  const reason = { code: 'SLIP_CERT_ADDRESS', message: 'The name has a foreign address.', hint: 'Remove it.' };
  lab.preflight = () => Promise.resolve(reason);
  lab.start();
  await lab.order('shop.example.com');
  const blocked = await lab.reaches('shop.example.com', 'blocked');
  assert.deepEqual(blocked.problem, reason);
  assert.equal(newOrders(lab), 0);
  lab.preflight = () => Promise.resolve(undefined);
  assert.ok(await lab.store.hurryOrder('shop.example.com'));
  await lab.reaches('shop.example.com', 'serving');
});

test('a domain that is removed ends its order', async (t) => {
  const lab = await makeOrderLab(t);
  lab.faults.inject(/^\/order-plz$/, { kind: 'answer', status: 503 });
  lab.start();
  await lab.order('shop.example.com');
  const { appId } = await lab.reaches('shop.example.com', 'waiting');
  await lab.store.removeDomain(appId, 'shop.example.com');
  assert.equal(await lab.store.certificateOrder('shop.example.com'), undefined);
  lab.clock.pass(2 * HOUR_MS);
  await lab.order('other.example.com');
  await lab.reaches('other.example.com', 'serving');
  assert.equal(newOrders(lab), 2);
});

test('a certificate is renewed with a new key, under the same id', async (t) => {
  const lab = await makeOrderLab(t, { lifetimeS: 3600 });
  lab.start();
  await lab.order('shop.example.com');
  const first = await lab.reaches('shop.example.com', 'serving');
  lab.clock.pass(HOUR_MS / 2);
  await eventually('the certificate is renewed', async () => {
    const now = await lab.reaches('shop.example.com', 'serving');
    return now.certificate?.fingerprint !== first.certificate?.fingerprint;
  });
  assert.equal(new Set(lab.saved.map(({ id }) => id)).size, 1);
  assert.equal(lab.saved.length, 2);
});

test('nothing is ordered before somebody agreed to the terms of the CA', async (t) => {
  const lab = await makeOrderLab(t);
  await lab.store.setTlsSettings({ ...(await lab.store.tlsSettings()), termsAgreed: false });
  lab.start();
  await lab.order('shop.example.com');
  const blocked = await lab.reaches('shop.example.com', 'blocked');
  assert.equal(blocked.problem?.code, 'SLIP_CERT_ACCOUNT');
  assert.match(blocked.problem.message, /agreed to its terms/);
  assert.equal(newOrders(lab), 0);
});

test('the thumbprint is the same before and after the account exists', async (t) => {
  const lab = await makeOrderLab(t);
  const { store, clock, faults } = lab;
  const { signal } = new AbortController();
  const accounts = new AcmeAccounts({ store, clock, signal, userAgent: '' });
  t.after(() => accounts.close());
  const before = await accounts.thumbprint(faults.directoryUrl);
  assert.equal((await accounts.open(faults.directoryUrl)).thumbprint, before);
  assert.ok((await store.acmeAccount(faults.directoryUrl))?.url?.startsWith('https://'));
});
