import type { HealthMonitor, Monitored } from '../health/monitor.ts';
import { failingOf, isGateOpen } from './plan.ts';
import { observe, type InstanceRuntime } from './runtime.ts';

/** Checks the live processes whose instances should run, and takes over what their checks say. */
export function followHealth(
  monitor: Pick<HealthMonitor, 'follow' | 'healthOf'> | undefined,
  all: readonly InstanceRuntime[],
): void {
  if (monitor === undefined) return;
  monitor.follow(all.flatMap(monitored));
  for (const runtime of all) runtime.health = monitor.healthOf(runtime.instanceId);
}

function monitored(runtime: InstanceRuntime): Monitored[] {
  const { assignment, sandbox, instanceId } = runtime;
  const observed = observe(runtime);
  const isWanted = assignment !== undefined && assignment.desired !== 'stop';
  if (!isWanted || !isGateOpen(observed) || sandbox?.startedAtMs === undefined || runtime.busy === 'restart') return [];
  const { address, port, startedAtMs } = sandbox;
  return [{ instanceId, address, port, startedAtMs, checks: assignment.checks ?? [], failing: failingOf(observed) }];
}
