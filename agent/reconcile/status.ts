import { isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import { isGateOpen, type ObservedInstance } from './plan.ts';

/** Pure: what the controller is told of an instance. */
export function statusOf(
  assignment: Assignment | undefined,
  instance: ObservedInstance,
  at: {
    readonly nowMs: number;
    readonly timingsMs: Readonly<Record<string, number>>;
    /** Why its last step failed; the step is tried again. */
    readonly stepFailure?: Reason | undefined;
  },
): InstanceStatus {
  const { record } = instance;
  const state = stateOf(assignment, instance, at.nowMs);
  // What keeps it from starting again is newer than why it ended.
  const reason = record.failure ?? (state === 'live' ? undefined : at.stepFailure) ?? record.crash;
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
    // After a first crash the next start is at once: the report that says "starting" is the only one to carry its last words.
    lastLines: reason === undefined ? [] : record.lastLines,
    timingsMs: at.timingsMs,
  };
}

function stateOf(assignment: Assignment | undefined, instance: ObservedInstance, nowMs: number): InstanceState {
  if (assignment === undefined || assignment.desired === 'stop') return isGone(instance) ? 'stopped' : 'stopping';
  if (instance.record.failure !== undefined) return 'failed';
  if (isGateOpen(instance)) return awaitsTraffic(assignment, instance) ? 'starting' : 'live';
  return waitingState(instance, nowMs);
}

/** Whoever reads "live" may take the old instance out of the proxies. */
function awaitsTraffic(assignment: Assignment, instance: ObservedInstance): boolean {
  return assignment.desired === 'run' && isRouted(assignment) && !instance.inProxy;
}

/** A launch under way cannot be cut short and ends in a process: until that has gone too, nothing is stopped. */
function isGone(instance: ObservedInstance): boolean {
  return instance.phase === 'absent' && instance.busy !== 'launch';
}

function waitingState(instance: ObservedInstance, nowMs: number): InstanceState {
  const waitsForStart = (instance.record.nextStartAtMs ?? 0) > nowMs;
  if (instance.record.everLive && (instance.phase === 'exited' || waitsForStart)) return 'backoff';
  if (instance.phase !== 'absent' || instance.busy === 'launch' || instance.busy === 'gate') return 'starting';
  return instance.busy === 'fetch' ? 'fetching' : 'pending';
}
