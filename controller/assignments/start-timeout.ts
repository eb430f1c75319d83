import { effectiveChecks, startAllowanceMs } from '../../shared/domain/health-check.ts';
import type { Release } from '../domain/releases.ts';

/** Pure: how long the instances of a release may take to start. Its health checks need time of their own. */
export function startTimeoutMs(policyMs: number, { slug, checks }: Pick<Release, 'slug' | 'checks'>): number {
  const all = Object.values(effectiveChecks(slug.checks, checks));
  return policyMs + Math.max(0, ...all.map(startAllowanceMs));
}

export function withStartTimeout<P extends { readonly startTimeoutMs: number }>(
  policy: P,
  release: Pick<Release, 'slug' | 'checks'>,
): P {
  return { ...policy, startTimeoutMs: startTimeoutMs(policy.startTimeoutMs, release) };
}
