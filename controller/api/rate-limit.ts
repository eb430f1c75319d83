import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface RatePolicy {
  readonly count: number;
  readonly perMs: number;
}

/** Bounded, so that a flood of addresses costs no memory. */
const ADDRESSES_MAX = 10_000;

/** Counts calls per caller's address in windows of `perMs`. @throws SLIP_RATE_LIMIT from the returned function */
export function createRateLimit(policy: RatePolicy, clock: Clock): (address: string) => void {
  const calls = new Map<string, number>();
  let windowEndsAtMs = 0;
  return (address) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= windowEndsAtMs) {
      calls.clear();
      windowEndsAtMs = nowMs + policy.perMs;
    }
    const count = (calls.get(address) ?? 0) + 1;
    if (calls.size < ADDRESSES_MAX || calls.has(address)) calls.set(address, count);
    if (count > policy.count || calls.size >= ADDRESSES_MAX) throw tooMany(windowEndsAtMs - nowMs);
  };
}

function tooMany(waitMs: number): SlipwayError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new SlipwayError({
    code: 'SLIP_RATE_LIMIT',
    kind: 'conflict',
    httpStatus: 429,
    message: 'There were too many attempts from this address.',
    hint: `Wait ${seconds} s and try again.`,
  });
}
