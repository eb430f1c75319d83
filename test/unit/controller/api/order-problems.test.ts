import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderProblems } from '../../../../controller/api/order-problems.ts';
import { anOrder, BLOCKED, CERTIFICATE, DAY_MS } from '../../../support/certificate-orders.ts';

test('an overdue renewal is a problem with its cause and its end', () => {
  const waiting = anOrder({ state: 'waiting', certificate: CERTIFICATE, problem: BLOCKED });
  assert.deepEqual(orderProblems('shop', [waiting], 60.5 * DAY_MS), []);
  const [late] = orderProblems('shop', [waiting], 62 * DAY_MS);
  assert.match(late?.message ?? '', /renewal.*shop\.example\.com is overdue. It ends on 1970-04-01. It is elsewhere/);
  assert.equal(late?.next, 'slipway why shop.example.com');
  assert.match(orderProblems('shop', [waiting], 91 * DAY_MS)[0]?.message ?? '', /It ended on/);
});

test('a name without a certificate is a problem only when somebody must act', () => {
  const [blocked] = orderProblems('shop', [anOrder({ state: 'blocked', problem: BLOCKED })], 0);
  assert.equal(blocked?.message, 'shop: shop.example.com has no certificate. It is elsewhere.');
  assert.deepEqual(orderProblems('shop', [anOrder({ state: 'waiting', problem: BLOCKED }), anOrder()], 0), []);
});
