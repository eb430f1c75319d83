import type { Assignment } from '../../shared/domain/assignment.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { InstanceState, Reason } from '../../shared/domain/instance.ts';
import { INSTANCE_STATES, transition } from '../../shared/domain/states.ts';
import type { Health } from '../health/monitor.ts';
import type { SandboxStatus } from '../sandbox/port.ts';
import { NEW_RECORD, type InstanceRecord } from './record.ts';
import type { ObservedInstance } from './plan.ts';
import type { StepKind } from './steps.ts';

/** Everything that the running agent knows about one instance. Only the loop and the executors change it. */
export interface InstanceRuntime {
  readonly instanceId: string;
  assignment: Assignment | undefined;
  /** The app of the last assignment; absent when there was none since the start of the agent. */
  appId: AppId | undefined;
  sandbox: SandboxStatus | undefined;
  record: InstanceRecord;
  layersReady: boolean;
  drained: boolean;
  inProxy: boolean;
  /** What its health checks say; absent while the process is not checked. */
  health: Health | undefined;
  /** The start time of the process that the controller allowed to restart. */
  leaveStartedAtMs: number | undefined;
  busy: StepKind | undefined;
  /** Ends the running step when the desired state changes. */
  abort: AbortController | undefined;
  /** After an unexpected failure, no step starts before this wall clock time. */
  retryAtMs: number;
  failures: number;
  /** Why its last step failed unexpectedly; it is tried again. */
  stepFailure: Reason | undefined;
  timingsMs: Record<string, number>;
  /** As last observed; absent before the first observation. */
  state: InstanceState | undefined;
  /** The last report, so that only changes are sent. */
  reported: string;
}

export function newRuntime(instanceId: string, record: InstanceRecord = NEW_RECORD): InstanceRuntime {
  return {
    instanceId,
    assignment: undefined,
    appId: undefined,
    sandbox: undefined,
    record,
    layersReady: false,
    drained: false,
    inProxy: false,
    health: undefined,
    leaveStartedAtMs: undefined,
    busy: undefined,
    abort: undefined,
    retryAtMs: 0,
    failures: 0,
    stepFailure: undefined,
    timingsMs: {},
    state: undefined,
    reported: '',
  };
}

export function assign(runtime: InstanceRuntime, assignment: Assignment | undefined): void {
  // A controller that was restored from a backup can ask again for an instance that was stopped: its states start again.
  if (!isToStop(assignment) && isToStop(runtime.assignment)) runtime.state = undefined;
  runtime.assignment = assignment;
  runtime.appId = assignment?.appId ?? runtime.appId;
}

function isToStop(assignment: Assignment | undefined): boolean {
  return assignment === undefined || assignment.desired === 'stop';
}

/** Records the observed state. @throws SLIP_STATE_ILLEGAL after an impossible transition, which is recorded too */
export function enterState(runtime: InstanceRuntime, state: InstanceState): void {
  const before = runtime.state;
  runtime.state = state;
  if (before !== undefined && before !== state) transition(INSTANCE_STATES, before, state);
}

export function observe(runtime: InstanceRuntime): ObservedInstance {
  return {
    instanceId: runtime.instanceId,
    phase: runtime.sandbox?.phase ?? 'absent',
    startedAtMs: runtime.sandbox?.startedAtMs,
    record: runtime.record,
    layersReady: runtime.layersReady,
    drained: runtime.drained,
    inProxy: runtime.inProxy,
    failing: healthOf(runtime)?.failing,
    leaveStartedAtMs: runtime.leaveStartedAtMs,
    busy: runtime.busy,
  };
}

/** The health of the process that runs now. */
export function healthOf({ health, sandbox }: InstanceRuntime): Health | undefined {
  return health?.startedAtMs === sandbox?.startedAtMs ? health : undefined;
}
