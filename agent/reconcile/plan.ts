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
  return { steps, backends: backendsByApp(assignments, seen, ids), wakeAtMs: nextWake(observed, nowMs) };
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
  if (instance.phase === 'running') return isGateOpen(instance) ? undefined : { kind: 'gate', instanceId, assignment };
  if (instance.record.failure !== undefined) return undefined;
  if ((instance.record.nextStartAtMs ?? 0) > nowMs) return undefined;
  return instance.layersReady ? { kind: 'launch', instanceId, assignment } : { kind: 'fetch', instanceId, assignment };
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
    byApp.set(assignment.appId, [...(byApp.get(assignment.appId) ?? []), id]);
  }
  return byApp;
}

function nextWake(observed: readonly ObservedInstance[], nowMs: number): number | undefined {
  const due = observed.map((instance) => instance.record.nextStartAtMs ?? 0).filter((at) => at > nowMs);
  return due.length === 0 ? undefined : Math.min(...due);
}
