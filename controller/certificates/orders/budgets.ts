import type { AcmeUse, UseKind } from '../../domain/orders.ts';

/** A bucket of tokens: each use takes one, and one comes back after each `refillMs`. */
interface Budget {
  readonly capacity: number;
  readonly refillMs: number;
}

const MINUTE_MS = 60_000;

/**
 * 80 % of the limits of Let's Encrypt (letsencrypt.org/docs/rate-limits, 2026-08): 300 orders of an account in 3 hours, 50 certificates of a
 * registered domain in 7 days, 5 of the same names in 7 days, 5 failures of a name in an hour.
 */
const BUDGETS: Readonly<Record<UseKind, Budget>> = {
  orders: { capacity: 240, refillMs: 45_000 },
  domain: { capacity: 40, refillMs: 252 * MINUTE_MS },
  names: { capacity: 4, refillMs: 42 * 60 * MINUTE_MS },
  failures: { capacity: 4, refillMs: 15 * MINUTE_MS },
};

export interface UseTimes extends AcmeUse {
  /** Ascending. */
  readonly atMs: readonly number[];
}

export interface SpentBudget extends AcmeUse {
  /** When the next use is possible. */
  readonly untilMs: number;
}

/** The budget that is empty for the longest time. Undefined: all have a token left. */
export function spentBudget(uses: readonly UseTimes[], nowMs: number): SpentBudget | undefined {
  const spent = uses.flatMap(({ kind, key, atMs }) => {
    const untilMs = nextTokenMs(BUDGETS[kind], atMs, nowMs);
    return untilMs > nowMs ? [{ kind, key, untilMs }] : [];
  });
  return spent.sort((a, b) => b.untilMs - a.untilMs)[0];
}

/** The generic cell rate algorithm: exact, and it keeps no level. A clock that went back gives no tokens. */
function nextTokenMs({ capacity, refillMs }: Budget, atMs: readonly number[], nowMs: number): number {
  let fullAgainMs = 0;
  for (const useMs of atMs) fullAgainMs = Math.max(fullAgainMs, useMs) + refillMs;
  return Math.max(nowMs, fullAgainMs - (capacity - 1) * refillMs);
}
