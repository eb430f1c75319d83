import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterStep,
  chooseOrders,
  moveWithoutStep,
  ORDERS_AT_ONCE,
  type StepResult,
} from '../../../../../controller/certificates/orders/plan.ts';
import { isLate } from '../../../../../controller/certificates/orders/renewal-plan.ts';
import type { AcmeProblem } from '../../../../../controller/domain/acme-problem.ts';
import { RATE_LIMITED, type CertificateOrder } from '../../../../../controller/domain/orders.ts';
import type { AppId, CertificateId } from '../../../../../shared/domain/ids.ts';
import { canTransition, ORDER_STATES, type OrderState } from '../../../../../shared/domain/states.ts';

const NOW_MS = Date.parse('2026-12-01T00:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const moment = { nowMs: NOW_MS, random: 0 };

function orderOf(state: OrderState, change: Partial<CertificateOrder> = {}): CertificateOrder {
  return {
    ...{
      id: 'certificate1' as CertificateId,
      appId: 'app00000' as AppId,
      hostname: 'shop.example.com',
      state,
      sinceMs: NOW_MS,
    },
    ...{ dueAtMs: NOW_MS, resume: undefined, failures: 0, directoryUrl: undefined, orderUrl: undefined },
    ...{ replaces: undefined, problem: undefined, certificate: undefined, ...change },
  };
}

const certificate = {
  fingerprint: 'f',
  notBeforeMs: NOW_MS - 10 * DAY_MS,
  notAfterMs: NOW_MS + 80 * DAY_MS,
  ariId: 'a.b',
  renewAtMs: NOW_MS + 50 * DAY_MS,
  window: undefined,
};

function problemOf(type: string, change: Partial<AcmeProblem> = {}): StepResult {
  return { kind: 'problem', problem: { type, status: 400, detail: 'no', subproblems: [], ...change } };
}

function looked(status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid', retryAfterMs?: number): StepResult {
  return { kind: 'order', order: { url: 'https://ca.test/1', status, retryAfterMs, problem: undefined } };
}

test('an order goes through its states as the CA does', () => {
  let order = moveWithoutStep(orderOf('needed'), moment)!;
  const states: string[] = [order.state];
  const results: StepResult[] = [
    { kind: 'passed', uses: [], directoryUrl: 'https://ca.test/dir', replaces: undefined },
    ...[looked('pending'), { kind: 'answered' } as const, looked('pending'), looked('ready'), looked('processing')],
    ...[
      looked('valid'),
      { kind: 'saved', certificate, uses: [] } as const,
      { kind: 'delivered', everywhere: false } as const,
    ],
    { kind: 'delivered', everywhere: true },
  ];
  for (const result of results) states.push((order = afterStep(order, result, moment).order).state);
  assert.deepEqual(states, [
    ...['checking', 'ordered', 'answering', 'validating', 'validating', 'finalizing', 'finalizing', 'issued'],
    ...['delivering', 'delivering', 'serving'],
  ]);
});

test('the waits after failures are 1, 10 and 100 minutes, and then a day', () => {
  const waits = [0, 1, 2, 3, 4].map((failures) => {
    const { order } = afterStep(orderOf('validating', { failures, orderUrl: 'u' }), looked('invalid'), moment);
    assert.equal(order.state, 'waiting');
    assert.equal(order.resume, 'needed');
    assert.equal(order.orderUrl, undefined);
    return (order.dueAtMs - NOW_MS) / MINUTE_MS;
  });
  assert.deepEqual(waits, [1, 10, 100, 1440, 1440]);
  const late = afterStep(orderOf('validating'), looked('invalid'), { ...moment, random: 0.999 }).order;
  assert.ok(late.dueAtMs > NOW_MS + MINUTE_MS && late.dueAtMs <= NOW_MS + 1.1 * MINUTE_MS);
});

test('a failed validation counts for the name, and a problem of the network does not', () => {
  assert.deepEqual(afterStep(orderOf('validating'), looked('invalid'), moment).uses, [
    { kind: 'failures', key: 'shop.example.com' },
  ]);
  assert.deepEqual(afterStep(orderOf('validating'), problemOf('unreachable', { status: 0 }), moment).uses, []);
});

test('Retry-After decides the wait, and the order goes on where it was', () => {
  const limited = problemOf('rateLimited', { status: 429, retryAfterMs: 2 * 60 * MINUTE_MS });
  const { order } = afterStep(orderOf('finalizing', { orderUrl: 'u' }), limited, moment);
  assert.equal(order.dueAtMs, NOW_MS + 2 * 60 * MINUTE_MS);
  assert.equal(order.resume, 'finalizing');
  assert.equal(order.orderUrl, 'u');
  assert.equal(moveWithoutStep(order, moment)?.state, 'finalizing');
});

test('a CA that names no pause is asked again after a second, and after a failure after a minute', () => {
  const look = afterStep(orderOf('validating'), looked('pending', 0), moment).order;
  assert.equal(look.dueAtMs, NOW_MS + 1_000);
  const limited = problemOf('rateLimited', { status: 429, retryAfterMs: 0 });
  assert.equal(afterStep(orderOf('ordered'), limited, moment).order.dueAtMs, NOW_MS + MINUTE_MS);
});

test('every wait that the CA asks for has the same code', () => {
  const busy = problemOf('unknown', { status: 503, retryAfterMs: 5 * MINUTE_MS });
  assert.equal(afterStep(orderOf('ordered'), busy, moment).order.problem?.code, RATE_LIMITED);
  const broken = problemOf('unknown', { status: 503 });
  assert.equal(afterStep(orderOf('ordered'), broken, moment).order.problem?.code, 'SLIP_CERT_CA_REFUSED');
});

test('a CA that does not know the replaced certificate gets an order without it', () => {
  const replacing = orderOf('ordered', { replaces: 'a.b' });
  for (const [type, status] of [
    ['malformed', 404],
    ['unauthorized', 403],
  ] as const) {
    const { order } = afterStep(replacing, problemOf(type, { status }), moment);
    assert.deepEqual([order.state, order.replaces, order.dueAtMs], ['ordered', undefined, NOW_MS]);
  }
  const away = afterStep(replacing, problemOf('unreachable', { status: 0 }), moment).order;
  assert.deepEqual([away.state, away.replaces], ['waiting', 'a.b']);
  const passed: StepResult = { kind: 'passed', uses: [], directoryUrl: 'https://other.test/dir', replaces: undefined };
  assert.equal(afterStep(orderOf('checking', { replaces: 'a.b' }), passed, moment).order.replaces, undefined);
});

test('a node that never serves a certificate does not prevent its renewal', () => {
  const later = (ms: number) =>
    afterStep(
      orderOf('delivering', { certificate }),
      { kind: 'delivered', everywhere: false },
      {
        nowMs: NOW_MS + ms,
        random: 0,
      },
    ).order;
  assert.deepEqual([later(0).state, later(0).dueAtMs - NOW_MS], ['delivering', 2_000]);
  const afterAnHour = later(60 * MINUTE_MS);
  assert.equal(afterAnHour.dueAtMs - NOW_MS, 66 * MINUTE_MS, 'the looks become rare');
  assert.deepEqual([later(50 * DAY_MS - 1).state, later(50 * DAY_MS).state], ['delivering', 'needed']);
});

test('a second order that replaces the same certificate is made again without it', () => {
  const replacing = orderOf('ordered', { replaces: 'a.b' });
  for (const type of ['alreadyReplaced', 'malformed']) {
    const { order } = afterStep(replacing, problemOf(type, { status: 409 }), moment);
    assert.equal(order.state, 'ordered');
    assert.equal(order.replaces, undefined);
    assert.equal(order.dueAtMs, NOW_MS);
  }
  assert.equal(afterStep(orderOf('ordered'), problemOf('malformed', { status: 409 }), moment).order.state, 'waiting');
});

test('a problem that only a person can solve blocks the order, and it is looked at again', () => {
  const waits = [0, 1, 2, 3].map((failures) => {
    const { order } = afterStep(orderOf('ordered', { failures }), problemOf('rejectedIdentifier'), moment);
    assert.equal(order.state, 'blocked');
    assert.match(order.problem?.message ?? '', /gives no certificate to shop\.example\.com/);
    return (order.dueAtMs - NOW_MS) / MINUTE_MS;
  });
  assert.deepEqual(waits, [1, 10, 60, 1440]);
  assert.equal(moveWithoutStep(orderOf('blocked'), moment)?.state, 'needed');
});

test('an order that the CA does not finish in two hours starts again', () => {
  const slow = orderOf('finalizing', { sinceMs: NOW_MS - 121 * MINUTE_MS, orderUrl: 'u' });
  const { order } = afterStep(slow, looked('processing'), moment);
  assert.equal(order.problem?.code, 'SLIP_CERT_CA_SLOW');
  assert.equal(order.resume, 'needed');
});

test('the next look at an order is when the CA says, but not after more than ten minutes', () => {
  const dueIn = (retryAfterMs?: number): number =>
    afterStep(orderOf('validating'), looked('pending', retryAfterMs), moment).order.dueAtMs - NOW_MS;
  assert.deepEqual([dueIn(), dueIn(5_000), dueIn(DAY_MS)], [2_000, 5_000, 10 * MINUTE_MS]);
});

test('without advice of the CA, a certificate is renewed when a third of its life is left', () => {
  const saved = afterStep(orderOf('issued'), { kind: 'saved', certificate, uses: [] }, moment).order;
  assert.equal(saved.certificate?.renewAtMs, NOW_MS + 50 * DAY_MS);
  const short = { ...certificate, notBeforeMs: NOW_MS, notAfterMs: NOW_MS + 6 * DAY_MS };
  const half = afterStep(orderOf('issued'), { kind: 'saved', certificate: short, uses: [] }, moment).order;
  assert.equal(half.certificate?.renewAtMs, NOW_MS + 3 * DAY_MS);
});

test('the time in the window of the CA is drawn once, and the renewal replaces the certificate', () => {
  const serving = orderOf('serving', { certificate, sinceMs: NOW_MS - DAY_MS });
  const window = { startMs: NOW_MS + DAY_MS, endMs: NOW_MS + 3 * DAY_MS };
  const first = afterStep(serving, { kind: 'renewal', window }, { nowMs: NOW_MS, random: 0.5 }).order;
  assert.equal(first.certificate?.renewAtMs, NOW_MS + 2 * DAY_MS);
  assert.ok(first.dueAtMs > NOW_MS && first.dueAtMs <= NOW_MS + 0.55 * DAY_MS, 'twice a day');
  const second = afterStep(first, { kind: 'renewal', window }, { nowMs: NOW_MS, random: 0.9 }).order;
  assert.equal(second.certificate?.renewAtMs, NOW_MS + 2 * DAY_MS);
  const due = afterStep(second, { kind: 'renewal', window }, { nowMs: NOW_MS + 2 * DAY_MS, random: 0 }).order;
  assert.deepEqual([due.state, due.replaces], ['needed', 'a.b']);
});

test('a window in the past renews at once, but not again and again', () => {
  const window = { startMs: NOW_MS - 2 * DAY_MS, endMs: NOW_MS - DAY_MS };
  const old = orderOf('serving', { certificate, sinceMs: NOW_MS - DAY_MS });
  assert.equal(afterStep(old, { kind: 'renewal', window }, moment).order.state, 'needed');
  const fresh = orderOf('serving', { certificate });
  const { order } = afterStep(fresh, { kind: 'renewal', window }, moment);
  assert.deepEqual([order.state, order.dueAtMs], ['serving', NOW_MS + 60 * MINUTE_MS]);
});

test('a window that is too late, and a CA that does not answer, do not let a certificate end', () => {
  const window = { startMs: NOW_MS + 85 * DAY_MS, endMs: NOW_MS + 86 * DAY_MS };
  const serving = orderOf('serving', { certificate });
  const { order } = afterStep(serving, { kind: 'renewal', window }, moment);
  assert.equal(order.certificate?.renewAtMs, NOW_MS + 75.5 * DAY_MS);
  const later = { nowMs: NOW_MS + 51 * DAY_MS, random: 0 };
  assert.equal(afterStep(serving, problemOf('unreachable', { status: 0 }), later).order.state, 'needed');
});

test('a renewal is late a day after its time, and an eighth of a short life after it', () => {
  const late = (state: OrderState, life: typeof certificate, afterMs: number): boolean =>
    isLate(orderOf(state, { certificate: life }), life.renewAtMs + afterMs);
  assert.equal(late('waiting', certificate, DAY_MS - 1), false);
  assert.equal(late('waiting', certificate, DAY_MS), true);
  assert.equal(late('blocked', certificate, DAY_MS), true);
  assert.equal(late('delivering', certificate, DAY_MS), false);
  const short = { ...certificate, notBeforeMs: NOW_MS, notAfterMs: NOW_MS + 4 * DAY_MS };
  assert.equal(late('waiting', short, DAY_MS / 2), true);
  assert.equal(isLate(orderOf('waiting'), NOW_MS), false);
});

test('ten orders at once; renewals go first, the one that ends soonest before the others', () => {
  const ending = (days: number): CertificateOrder => {
    const life = { ...certificate, notAfterMs: NOW_MS + days * DAY_MS };
    return orderOf('needed', { id: `ends${String(days)}` as CertificateId, certificate: life });
  };
  const due = [
    orderOf('needed', { id: 'new' as CertificateId }),
    ending(20),
    ending(5),
    orderOf('validating', { id: 'open' as CertificateId }),
  ];
  const chosen = (busy: number): readonly string[] => chooseOrders(due, busy).map(({ id }) => id);
  assert.deepEqual(chosen(0), ['open', 'ends5', 'ends20', 'new']);
  assert.deepEqual(chosen(ORDERS_AT_ONCE - 1), ['open', 'ends5']);
  assert.deepEqual(chosen(ORDERS_AT_ONCE), ['open']);
});

test('every move is one that the table of states allows', () => {
  const state = fc.constantFrom(...(Object.keys(ORDER_STATES) as OrderState[]));
  const result = fc.constantFrom<StepResult>(
    ...(['pending', 'ready', 'processing', 'valid', 'invalid'] as const).map((status) => looked(status)),
    ...['unreachable', 'rejectedIdentifier', 'malformed', 'rateLimited'].map((type) => problemOf(type)),
  );
  const atCa: readonly OrderState[] = ['ordered', 'answering', 'validating', 'finalizing', 'issued'];
  fc.assert(
    fc.property(state, result, fc.nat(6), (from, outcome, failures) => {
      const order = orderOf(from, { failures, resume: from === 'waiting' ? 'needed' : undefined });
      const free = moveWithoutStep(order, moment);
      if (free !== undefined) assert.ok(canTransition(ORDER_STATES, from, free.state));
      if (!atCa.includes(from)) return;
      const to = afterStep(order, outcome, moment).order.state;
      assert.ok(to === from || canTransition(ORDER_STATES, from, to), `${from} → ${to}`);
    }),
  );
});

test('an unexpected error waits longer each time, with its reason, and then starts the order again', () => {
  const reason = { code: 'SLIP_CERT_TABLE_FULL', message: 'There is no room.', hint: 'Remove some.' };
  let order = orderOf('issued', { orderUrl: 'https://ca.test/1' });
  const waits: (number | undefined)[] = [];
  for (const resume of ['issued', 'issued', 'issued', 'needed']) {
    ({ order } = afterStep(order, { kind: 'unexpected', reason }, moment));
    assert.deepEqual([order.state, order.resume, order.problem], ['waiting', resume, reason]);
    waits.push(order.dueAtMs - NOW_MS);
    order = { ...order, state: 'issued' };
  }
  assert.deepEqual(waits, [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, DAY_MS]);
  for (const state of ['serving', 'delivering'] as const) {
    const kept = afterStep(orderOf(state, { certificate }), { kind: 'unexpected', reason }, moment).order;
    assert.equal(kept.state, state);
    assert.ok(kept.dueAtMs > NOW_MS, state);
  }
});
