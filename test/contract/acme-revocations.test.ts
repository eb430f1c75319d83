import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { AcmeError } from '../../controller/acme/problem.ts';
import { AcmeAccounts } from '../../controller/certificates/orders/accounts.ts';
import type { CertificateOrder } from '../../controller/domain/orders.ts';
import { eventually } from '../support/eventually.ts';
import { makeOrderLab, type OrderLab } from '../support/order-lab.ts';

/** After each change that a revocation makes. */
const STAGES = ['orderedAgain', 'revoking', 'revokingDone', 'revoked'];
const MINUTE_MS = 60_000;

const newOrders = ({ faults }: OrderLab): number => faults.requests.filter((line) => line === 'POST /order-plz').length;

async function ask(lab: OrderLab, { certificate }: CertificateOrder, now = false): Promise<string> {
  const fingerprint = certificate?.fingerprint ?? '';
  await lab.store.requestRevocation({ fingerprint, reason: 'keyCompromise', cause: 'It was lost.', now });
  lab.look();
  return fingerprint;
}

async function isRevoked(lab: OrderLab, fingerprint: string): Promise<void> {
  await eventually(`${fingerprint} is revoked`, async () => {
    lab.look();
    return (await lab.store.revocations()).some((one) => one.fingerprint === fingerprint && one.state === 'revoked');
  });
  // The CA knows it too.
  const { store, clock, faults } = lab;
  const { signal } = new AbortController();
  const accounts = new AcmeAccounts({ store, clock, signal, userAgent: 'slipway-test' });
  const { client } = await accounts.open(faults.directoryUrl);
  const chain = (await store.issuedChain(fingerprint)) ?? '';
  await assert.rejects(
    client.revoke(new X509Certificate(chain).raw, 1),
    (error) => error instanceof AcmeError && error.problem.type === 'alreadyRevoked',
  );
  await accounts.close();
}

test('a controller that is killed at any stage of a revocation makes one successor, and then revokes', async (t) => {
  const lab = await makeOrderLab(t);
  for (const stage of STAGES) {
    const hostname = `${stage.toLowerCase()}.example.com`;
    const before = newOrders(lab);
    let killed = false;
    const stop = lab.start(async (name) => {
      if (name !== `certificateRevocation.${stage}`) return;
      killed = true;
      await new Promise(() => undefined);
    });
    await lab.order(hostname);
    const first = await ask(lab, await lab.reaches(hostname, 'serving'));
    await eventually(`the controller is killed at ${stage}`, () => {
      lab.look();
      return killed;
    });
    stop();
    const end = lab.start();
    await isRevoked(lab, first);
    const now = await lab.reaches(hostname, 'serving');
    end();
    assert.notEqual(now.certificate?.fingerprint, first, stage);
    assert.equal(newOrders(lab) - before, 2, stage);
    const mine = lab.saved.filter((certificate) => certificate.hostname === hostname);
    assert.equal(new Set(mine.map(({ fingerprint }) => fingerprint)).size, 2, stage);
    assert.equal(new Set(mine.map(({ publicKey }) => publicKey)).size, 2, 'the key is new');
  }
});

test('the former certificate is not revoked while its successor is not served', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  await lab.order('shop.example.com');
  const serving = await lab.reaches('shop.example.com', 'serving');
  lab.isServed = () => false;
  const first = await ask(lab, serving);
  await lab.reaches('shop.example.com', 'delivering');
  const [waits] = await lab.store.revocations();
  assert.equal(waits?.state, 'replacing');
  assert.ok(!lab.faults.requests.includes('POST /revoke-cert'));
  lab.isServed = () => true;
  await isRevoked(lab, first);
});

test('a revocation at once does not wait for the order of the successor', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  await lab.order('shop.example.com');
  const serving = await lab.reaches('shop.example.com', 'serving');
  lab.faults.inject(/^\/order-plz$/, { kind: 'answer', status: 503 });
  const first = await ask(lab, serving, true);
  await isRevoked(lab, first);
  const waiting = await lab.reaches('shop.example.com', 'waiting');
  assert.equal(waiting.certificate?.fingerprint, first);
  lab.clock.pass(2 * MINUTE_MS);
  assert.notEqual((await lab.reaches('shop.example.com', 'serving')).certificate?.fingerprint, first);
});

test('a CA that refuses is asked again, and the reason is kept', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  await lab.order('shop.example.com');
  const serving = await lab.reaches('shop.example.com', 'serving');
  lab.faults.inject(/^\/revoke-cert$/, { kind: 'answer', status: 503 });
  lab.faults.inject(/^\/revoke-cert$/, { kind: 'drop' });
  const first = await ask(lab, serving, true);
  for (const failures of [1, 2]) {
    await eventually(`refusal ${String(failures)}`, async () => {
      lab.look();
      const [one] = await lab.store.revocations();
      return one?.failures === failures && one.problem?.code === 'SLIP_CERT_NOT_REVOKED';
    });
    lab.clock.pass(11 * MINUTE_MS);
  }
  await isRevoked(lab, first);
});

test('a domain that is removed does not end the revocation', async (t) => {
  const lab = await makeOrderLab(t);
  lab.start();
  await lab.order('shop.example.com');
  const serving = await lab.reaches('shop.example.com', 'serving');
  await lab.store.removeDomain(serving.appId, 'shop.example.com');
  await isRevoked(lab, await ask(lab, serving));
});
