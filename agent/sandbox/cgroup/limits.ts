import type { Limits } from '../../../shared/domain/assignment.ts';

/** The tool's own few processes (monitor, init) count too. */
export const TOOL_PIDS = 8;

/** The kernel's default: short enough that nobody sees an app pause. */
export const CPU_PERIOD_US = 100_000;

/** What a sandbox may run in one period, over all processors. */
export function cpuQuotaUs({ cpuMillis }: Limits): number {
  return (cpuMillis / 1000) * CPU_PERIOD_US;
}
