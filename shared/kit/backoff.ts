export interface BackoffPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

/**
 * Delay before attempt `attempt` (0 = first retry), full jitter over the upper half:
 * between 50 % and 100 % of the exponential step, so that the retries of many callers spread out.
 * @param random in [0, 1), passed in so that planners stay pure
 */
export function backoffDelayMs(policy: BackoffPolicy, attempt: number, random: number): number {
  const step = Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.min(attempt, 60));
  return Math.round(step * (0.5 + random / 2));
}
