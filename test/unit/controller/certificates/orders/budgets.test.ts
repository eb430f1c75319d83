import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spentBudget } from '../../../../../controller/certificates/orders/budgets.ts';
import type { UseKind } from '../../../../../controller/domain/orders.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW_MS = 1_000 * HOUR_MS;

function times(count: number, atMs: number): readonly number[] {
  return Array.from({ length: count }, () => atMs);
}

function untilOf(kind: UseKind, atMs: readonly number[], nowMs = NOW_MS): number | undefined {
  return spentBudget([{ kind, key: 'k', atMs }], nowMs)?.untilMs;
}

test('every budget ends at 80 % of what the CA allows', () => {
  const capacities: Readonly<Record<UseKind, number>> = { orders: 240, domain: 40, names: 4, failures: 4 };
  for (const kind of ['orders', 'domain', 'names', 'failures'] as const) {
    assert.equal(untilOf(kind, times(capacities[kind] - 1, NOW_MS)), undefined, kind);
    assert.ok(Number(untilOf(kind, times(capacities[kind], NOW_MS))) > NOW_MS, kind);
  }
});

test('a token comes back after the time of its bucket', () => {
  const spent = times(4, NOW_MS);
  assert.equal(untilOf('names', spent), NOW_MS + 42 * HOUR_MS);
  assert.equal(untilOf('names', spent, NOW_MS + 41 * HOUR_MS), NOW_MS + 42 * HOUR_MS);
  assert.equal(untilOf('names', spent, NOW_MS + 42 * HOUR_MS), undefined);
  assert.equal(untilOf('failures', times(4, NOW_MS)), NOW_MS + 15 * MINUTE_MS);
});

test('more uses than the bucket holds wait for more tokens', () => {
  assert.equal(untilOf('failures', times(6, NOW_MS)), NOW_MS + 45 * MINUTE_MS);
});

test('the longest wait of several budgets counts', () => {
  const spent = spentBudget(
    [
      { kind: 'failures', key: 'a', atMs: times(4, NOW_MS) },
      { kind: 'names', key: 'a', atMs: times(4, NOW_MS) },
      { kind: 'orders', key: 'b', atMs: [] },
    ],
    NOW_MS,
  );
  assert.equal(spent?.kind, 'names');
});

test('a clock that went back gives no tokens', () => {
  assert.ok(Number(untilOf('failures', times(4, NOW_MS + HOUR_MS), NOW_MS)) > NOW_MS);
});
