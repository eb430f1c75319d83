import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterRequest,
  begin,
  lookAgain,
  nextStep,
  orderAgain,
} from '../../../../../controller/certificates/revocations/plan.ts';
import type { AcmeProblem } from '../../../../../controller/domain/acme-problem.ts';
import type { IssuedCertificate } from '../../../../../controller/domain/issued.ts';
import type { CertificateOrder } from '../../../../../controller/domain/orders.ts';
import type { OrderState } from '../../../../../shared/domain/states.ts';
import { anOrder, CERTIFICATE, DAY_MS } from '../../../../support/certificate-orders.ts';
import { anIssued } from '../../../../support/issued-certificates.ts';

const MINUTE_MS = 60_000;
const replacing = anIssued({ state: 'replacing', reason: 'keyCompromise' });
const revoking = anIssued({ state: 'revoking', reason: 'keyCompromise' });
const current = (state: OrderState): CertificateOrder => anOrder({ state, certificate: CERTIFICATE });
const renewed = anOrder({ state: 'serving', certificate: { ...CERTIFICATE, fingerprint: 'f2' } });

function step(issued: IssuedCertificate, order: CertificateOrder | undefined, isServed = false): string {
  return nextStep(issued, { order, isServed });
}

test('a certificate is revoked only after its successor is served everywhere', () => {
  assert.equal(step(replacing, current('serving'), true), 'orderAgain');
  assert.equal(step(replacing, current('delivering')), 'orderAgain');
  for (const state of ['needed', 'validating', 'waiting', 'blocked'] as const)
    assert.equal(step(replacing, current(state), true), 'wait', state);
  assert.equal(step(replacing, { ...renewed, state: 'delivering' }), 'wait');
  assert.equal(step(replacing, renewed, true), 'begin');
  assert.equal(step(replacing, { ...renewed, state: 'needed' }, true), 'begin');
});

test('without an order nothing serves the certificate, so it is revoked at once', () => {
  assert.equal(step(replacing, undefined), 'begin');
  assert.equal(step(replacing, { ...renewed, id: 'another1' as CertificateOrder['id'] }), 'begin');
});

test('a certificate that must be revoked at once is also ordered again', () => {
  assert.equal(step(revoking, current('serving'), true), 'orderAgain');
  assert.equal(step(revoking, current('needed')), 'revoke');
  assert.equal(step(revoking, undefined), 'revoke');
});

test('the order of a successor begins anew, and replaces the certificate when the CA offers renewal information', () => {
  const order = orderAgain({ ...current('serving'), failures: 3 }, 5);
  assert.deepEqual([order.state, order.sinceMs, order.dueAtMs, order.failures], ['needed', 5, 5, 0]);
  assert.equal(order.replaces, undefined);
  const window = { startMs: 1, endMs: 2 };
  const known = anOrder({ state: 'serving', certificate: { ...CERTIFICATE, ariId: 'a.b', window } });
  assert.equal(orderAgain(known, 5).replaces, 'a.b');
});

test('a wait looks soon at first, and every ten minutes later', () => {
  const dueIn = (sinceMs: number): number => lookAgain({ ...replacing, sinceMs }, DAY_MS).dueAtMs - DAY_MS;
  assert.deepEqual([dueIn(DAY_MS), dueIn(DAY_MS - MINUTE_MS), dueIn(0)], [2_000, 6_000, 10 * MINUTE_MS]);
  assert.deepEqual([begin(replacing, 7).state, begin(replacing, 7).dueAtMs], ['revoking', 7]);
});

test('the CA is asked until it has revoked the certificate, with longer and longer waits', () => {
  const refused: AcmeProblem = { type: 'serverInternal', status: 500, detail: 'later.', subproblems: [] };
  const waits = [0, 1, 2, 3, 4].map((failures) => {
    const { state, dueAtMs, problem } = afterRequest({ ...revoking, failures }, refused, 0);
    assert.deepEqual([state, problem?.code], ['revoking', 'SLIP_CERT_NOT_REVOKED']);
    return dueAtMs / MINUTE_MS;
  });
  assert.deepEqual(waits, [1, 10, 100, 1440, 1440]);
  assert.equal(afterRequest(revoking, { ...refused, retryAfterMs: 7_200_000 }, 0).dueAtMs, 7_200_000);
  assert.equal(afterRequest(revoking, undefined, 9).state, 'revoked');
  assert.equal(afterRequest(revoking, { ...refused, type: 'alreadyRevoked', status: 400 }, 9).state, 'revoked');
});
