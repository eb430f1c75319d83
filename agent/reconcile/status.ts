import { failingReason, lastingChecks } from '../health/check-state.ts';
import type { Health } from '../health/monitor.ts';
import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import { failingOf, isGateOpen, type ObservedInstance } from './plan.ts';

/** Pure: the report to the controller about an instance. */
export function statusOf(
  assignment: Assignment | undefined,
  instance: ObservedInstance,
  at: {
    readonly nowMs: number;
    readonly timingsMs: Readonly<Record<string, number>>;
    /** Why its last step failed; the step is tried again. */
    readonly stepFailure?: Reason | undefined;
    /** What its health checks say. */
    readonly health?: Pick<Health, 'results' | 'run'> | undefined;
  },
): InstanceStatus {
  const { record } = instance;
  const state = stateOf(assignment, instance, at.nowMs);
  const health = state === 'live' ? liveHealth(assignment, instance) : { reason: at.stepFailure };
  // The reason of a failed step is newer than the reason of the crash.
  const reason = record.failure ?? health.reason ?? record.crash;
  return {
    instanceId: instance.instanceId as InstanceId,
    state,
    serving: instance.inProxy,
    restarts: record.restarts,
    startedAtMs: instance.phase === 'running' ? instance.startedAtMs : undefined,
    lastExit: record.lastExit,
    crashes: record.crashesInARow === 0 ? undefined : { count: record.crashesInARow, sinceMs: record.crashingSinceMs },
    nextStartAtMs: state === 'backoff' ? record.nextStartAtMs : undefined,
    reason,
    // After a first crash the restart is immediate, so only the report with the state "starting" can carry the last lines.
    lastLines: reason === undefined ? [] : record.lastLines,
    timingsMs: at.timingsMs,
    ...('ready' in health ? { ready: health.ready } : {}),
    ...withChecks(at.health),
  };
}

/** What the health checks say of a live instance. Without such checks, `ready` is absent. */
function liveHealth(
  assignment: Assignment | undefined,
  instance: ObservedInstance,
): { readonly reason: Reason | undefined; readonly ready?: boolean } {
  if (assignment === undefined || lastingChecks(assignment.checks).length === 0) return { reason: undefined };
  const failing = failingOf(instance);
  const reason = failingReason({ name: instanceName(assignment), app: assignment.app }, failing);
  return { reason, ready: failing.length === 0 };
}

function withChecks(health: Pick<Health, 'results' | 'run'> | undefined): Pick<InstanceStatus, 'checks' | 'checksRun'> {
  const { results = [], run } = health ?? {};
  return { ...(results.length === 0 ? {} : { checks: results }), ...(run === undefined ? {} : { checksRun: run }) };
}

function stateOf(assignment: Assignment | undefined, instance: ObservedInstance, nowMs: number): InstanceState {
  if (assignment === undefined || assignment.desired === 'stop') return isGone(instance) ? 'stopped' : 'stopping';
  if (instance.record.failure !== undefined) return 'failed';
  if (isGateOpen(instance)) return awaitsTraffic(assignment, instance) ? 'starting' : 'live';
  return waitingState(instance, nowMs);
}

/** A reader of "live" may remove the old instance from the proxies, so the proxy must have the new one before. */
function awaitsTraffic(assignment: Assignment, instance: ObservedInstance): boolean {
  const mayServe = assignment.desired === 'run' && isRouted(assignment) && failingOf(instance).length === 0;
  return mayServe && !instance.inProxy;
}

/** A running launch cannot be interrupted and ends with a process, so the instance is not stopped before this process has ended. */
function isGone(instance: ObservedInstance): boolean {
  return instance.phase === 'absent' && instance.busy !== 'launch';
}

function waitingState(instance: ObservedInstance, nowMs: number): InstanceState {
  const waitsForStart = (instance.record.nextStartAtMs ?? 0) > nowMs;
  if (instance.record.everLive && (instance.phase === 'exited' || waitsForStart)) return 'backoff';
  if (instance.phase !== 'absent' || instance.busy === 'launch' || instance.busy === 'gate') return 'starting';
  return instance.busy === 'fetch' ? 'fetching' : 'pending';
}
