import { isSameVerdict, type FailingCheck } from '../health/check-state.ts';
import { isRouted, type Assignment, type DesiredState } from '../../shared/domain/assignment.ts';
import type { InstanceRecord } from './record.ts';
import type { Step, StepKind } from './steps.ts';

/** What the agent observes of one instance: sandbox, record, proxy. */
export interface ObservedInstance {
  readonly instanceId: string;
  readonly phase: 'absent' | 'prepared' | 'running' | 'exited';
  readonly startedAtMs?: number | undefined;
  readonly record: InstanceRecord;
  readonly layersReady: boolean;
  /** Set by the drain step. An instance that never had traffic counts as drained. */
  readonly drained: boolean;
  /** The running proxy may send it new requests. */
  readonly inProxy: boolean;
  /** The health checks that fail now; absent while the process is not checked. */
  readonly failing?: readonly FailingCheck[] | undefined;
  /** The controller allowed to restart the process with this start time. */
  readonly leaveStartedAtMs?: number | undefined;
  /** The step that is running. An instance never has two. */
  readonly busy: StepKind | undefined;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** App id → the instances that should get traffic now, in order. */
  readonly backends: ReadonlyMap<string, readonly string[]>;
  /** Wall clock time of the next plan if nothing happens before. */
  readonly wakeAtMs: number | undefined;
}

/** Pure: the next step of every instance, from the desired state and the observed instances. Their order does not matter. */
export function plan(desired: DesiredState, observed: readonly ObservedInstance[], nowMs: number): Plan {
  const assignments = new Map<string, Assignment>(
    desired.assignments.map((assignment) => [assignment.instanceId, assignment]),
  );
  const seen = new Map(observed.map((instance) => [instance.instanceId, instance]));
  const ids = [...new Set([...assignments.keys(), ...seen.keys()])].sort();
  const steps: Step[] = [];
  for (const id of ids) {
    const instance = seen.get(id);
    if (instance === undefined || instance.busy !== undefined) continue;
    const step = nextStep(assignments.get(id), instance, nowMs);
    if (step !== undefined) steps.push(step);
  }
  return {
    steps: oneRestartEach(steps, { assignments, seen, nowMs }),
    backends: backendsByApp(assignments, seen, ids),
    wakeAtMs: nextWake(assignments, observed, nowMs),
  };
}

/** Whether the gate has passed for the process that runs now. */
export function isGateOpen(instance: Pick<ObservedInstance, 'phase' | 'record' | 'startedAtMs'>): boolean {
  return (
    instance.phase === 'running' &&
    instance.startedAtMs !== undefined &&
    instance.record.liveStartedAtMs === instance.startedAtMs
  );
}

function nextStep(assignment: Assignment | undefined, instance: ObservedInstance, nowMs: number): Step | undefined {
  if (assignment === undefined || assignment.desired === 'stop') return nextStopStep(assignment, instance);
  return nextRunStep(assignment, instance, nowMs);
}

function nextRunStep(assignment: Assignment, instance: ObservedInstance, nowMs: number): Step | undefined {
  const instanceId = instance.instanceId;
  if (instance.phase === 'exited') return { kind: 'reap', instanceId, assignment };
  if (instance.phase === 'running')
    return isGateOpen(instance)
      ? nextHealthStep(assignment, instance, nowMs)
      : { kind: 'gate', instanceId, assignment };
  if (instance.record.failure !== undefined) return undefined;
  if ((instance.record.nextStartAtMs ?? 0) > nowMs) return undefined;
  return instance.layersReady ? { kind: 'launch', instanceId, assignment } : { kind: 'fetch', instanceId, assignment };
}

function nextHealthStep(assignment: Assignment, instance: ObservedInstance, nowMs: number): Step | undefined {
  const { instanceId, failing } = instance;
  const recorded = failingOf(instance);
  if (failing !== undefined && !isSameVerdict(failing, recorded))
    return { kind: 'mark', instanceId, assignment, failing };
  if (instance.inProxy) return undefined; // the proxy removes its route first
  const restartAtMs = restartTime(assignment, instance);
  return restartAtMs === undefined || restartAtMs > nowMs ? undefined : { kind: 'restart', instanceId, assignment };
}

/** The recorded failing checks of the process that runs now. */
export function failingOf({
  record: { health },
  startedAtMs,
}: Pick<ObservedInstance, 'record' | 'startedAtMs'>): readonly FailingCheck[] {
  return health !== undefined && health.startedAtMs === startedAtMs ? health.failing : [];
}

/**
 * The controller allows the restarts of a process type one after the other, because it sees all nodes. Without a controller, a node restarts
 * its instances by itself after this time. Instances with higher numbers wait longer, so they do not all restart at once.
 */
const LEAVE_TIMEOUT_MS = 60_000;
const STAGGER_MS = 30_000;
const STAGGERED_MAX = 10;

/** When a process whose liveness check failed may be restarted. Undefined: its liveness checks pass. Wall clock. */
function restartTime({ ordinal }: Assignment, instance: ObservedInstance): number | undefined {
  const failed = failingOf(instance).find(({ type }) => type === 'liveness');
  if (failed === undefined) return undefined;
  if (instance.leaveStartedAtMs === instance.startedAtMs) return failed.sinceMs;
  return failed.sinceMs + LEAVE_TIMEOUT_MS + Math.min(ordinal - 1, STAGGERED_MAX) * STAGGER_MS;
}

/** A node restarts one instance of a process type at a time. The next one waits until it is live, or waits for its next start. */
function oneRestartEach(
  steps: readonly Step[],
  {
    assignments,
    seen,
    nowMs,
  }: {
    readonly assignments: ReadonlyMap<string, Assignment>;
    readonly seen: ReadonlyMap<string, ObservedInstance>;
    readonly nowMs: number;
  },
): readonly Step[] {
  const groupOf = ({ appId, processType }: Assignment): string => `${appId} ${processType}`;
  const taken = new Set<string>();
  for (const instance of seen.values()) {
    const assignment = assignments.get(instance.instanceId);
    if (assignment?.desired === 'run' && isRestarting(instance, nowMs)) taken.add(groupOf(assignment));
  }
  return steps.filter((step) => {
    if (step.kind !== 'restart') return true;
    const group = groupOf(step.assignment);
    return !taken.has(group) && taken.add(group).has(group);
  });
}

function isRestarting(instance: ObservedInstance, nowMs: number): boolean {
  if (instance.busy === 'restart') return true;
  const { everLive, failure, nextStartAtMs = 0 } = instance.record;
  return everLive && failure === undefined && !isGateOpen(instance) && nextStartAtMs <= nowMs;
}

function nextStopStep(assignment: Assignment | undefined, instance: ObservedInstance): Step | undefined {
  const instanceId = instance.instanceId;
  if (instance.phase === 'running') {
    if (instance.inProxy) return undefined; // the proxy removes its route first
    return instance.drained ? { kind: 'terminate', instanceId } : { kind: 'drain', instanceId };
  }
  if (instance.phase !== 'absent') return { kind: 'destroy', instanceId };
  // Nothing runs any more. The record stays until the controller drops the assignment: without it, the instance would look new.
  return assignment === undefined ? { kind: 'remove', instanceId } : undefined;
}

function backendsByApp(
  assignments: ReadonlyMap<string, Assignment>,
  seen: ReadonlyMap<string, ObservedInstance>,
  ids: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const byApp = new Map<string, string[]>();
  for (const id of ids) {
    const assignment = assignments.get(id);
    const instance = seen.get(id);
    if (assignment?.desired !== 'run' || !isRouted(assignment) || instance === undefined || !isGateOpen(instance))
      continue;
    if (failingOf(instance).length > 0) continue;
    byApp.set(assignment.appId, [...(byApp.get(assignment.appId) ?? []), id]);
  }
  return byApp;
}

function nextWake(
  assignments: ReadonlyMap<string, Assignment>,
  observed: readonly ObservedInstance[],
  nowMs: number,
): number | undefined {
  const restarts = observed.map((instance) => {
    const assignment = assignments.get(instance.instanceId);
    return (assignment === undefined ? undefined : restartTime(assignment, instance)) ?? 0;
  });
  const starts = observed.map((instance) => instance.record.nextStartAtMs ?? 0);
  const due = [...starts, ...restarts].filter((at) => at > nowMs);
  return due.length === 0 ? undefined : Math.min(...due);
}
