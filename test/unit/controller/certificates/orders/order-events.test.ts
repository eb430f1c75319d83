import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOrderEvent } from '../../../../../controller/certificates/orders/order-events.ts';
import { anOrder, BLOCKED, CERTIFICATE } from '../../../../support/certificate-orders.ts';

test('a certificate that every node serves is told', () => {
  const to = anOrder({ state: 'serving', certificate: CERTIFICATE });
  const event = describeOrderEvent('shop', anOrder({ state: 'delivering' }), to);
  assert.deepEqual(
    [event?.kind, event?.app, event?.next],
    ['certificate.served', 'shop', 'slipway why shop.example.com'],
  );
  assert.match(event?.message ?? '', /It ends on 1970-04-01/);
});

test('a problem is told once, and again when it is another one', () => {
  const blocked = anOrder({ state: 'blocked', problem: BLOCKED });
  assert.equal(describeOrderEvent('shop', anOrder({ state: 'checking' }), blocked)?.kind, 'certificate.blocked');
  assert.equal(describeOrderEvent('shop', anOrder({ state: 'checking', problem: BLOCKED }), blocked), undefined);
  const waiting = anOrder({ state: 'waiting', problem: { ...BLOCKED, code: 'SLIP_CERT_BUDGET' } });
  const event = describeOrderEvent('shop', anOrder({ state: 'checking', problem: BLOCKED }), waiting);
  assert.match(event?.message ?? '', /tries again by itself/);
});

test('steps, and an app that waits for its first deploy, are not told', () => {
  assert.equal(describeOrderEvent('shop', anOrder(), anOrder({ state: 'checking' })), undefined);
  const problem = { code: 'SLIP_CERT_NO_RELEASE', message: 'Never deployed.' };
  assert.equal(describeOrderEvent('shop', anOrder(), anOrder({ state: 'waiting', problem })), undefined);
});
