import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface RatePolicy {
  readonly count: number;
  readonly perMs: number;
  /** Default: about attempts from one address. */
  readonly message?: string;
}

/** A bound, so that many addresses cannot use up the memory. */
const KEYS_MAX = 10_000;

export interface RateLimit {
  /** Counts a call. @throws SLIP_RATE_LIMIT */
  count(key: string): void;
  /** Counts only failed calls, because many valid callers may share one address. @throws SLIP_RATE_LIMIT */
  guard<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Counts for each key (a caller's address, a node) in windows of `perMs`. */
export function createRateLimit(policy: RatePolicy, clock: Clock): RateLimit {
  const calls = new Map<string, number>();
  let windowEndsAtMs = 0;
  const countOf = (key: string): number => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= windowEndsAtMs) {
      calls.clear();
      windowEndsAtMs = nowMs + policy.perMs;
    }
    return calls.get(key) ?? 0;
  };
  const add = (key: string): void => {
    if (calls.size < KEYS_MAX || calls.has(key)) calls.set(key, countOf(key) + 1);
  };
  const check = (key: string): void => {
    if (countOf(key) >= policy.count || calls.size >= KEYS_MAX)
      throw tooMany(windowEndsAtMs - clock.monotonicMs(), policy.message);
  };
  return {
    count: (key) => {
      check(key);
      add(key);
    },
    guard: async (key, work) => {
      check(key);
      try {
        return await work();
      } catch (error) {
        if (error instanceof SlipwayError && error.kind === 'user') add(key);
        throw error;
      }
    },
  };
}

function tooMany(waitMs: number, message = 'There were too many attempts from this address.'): SlipwayError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new SlipwayError({
    code: 'SLIP_RATE_LIMIT',
    kind: 'conflict',
    httpStatus: 429,
    message,
    hint: `Wait ${seconds} s and try again.`,
  });
}
