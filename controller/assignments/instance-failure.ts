import { howItEnded, type InstanceStatus } from '../../shared/domain/instance.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import { sayReasons } from '../../shared/domain/placement.ts';
import type { Unplaced } from '../schedule/plan.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';

export type Failure = NonNullable<Release['failure']> & { readonly lastLines?: readonly string[] };

/** The failure of the first instance that cannot start or did not stay live. */
export function firstFailure(
  rows: readonly AssignmentRow[],
  statuses: ReadonlyMap<InstanceId, InstanceStatus>,
): Failure | undefined {
  for (const row of rows) {
    const status = statuses.get(row.instanceId);
    if (status !== undefined && (hasFailed(status) || isOutOfDisk(status))) return failureOf(status);
  }
  return undefined;
}

/** It crashed, or its health checks fail. An instance that is live has been ready before. */
export function hasFailed(status: InstanceStatus): boolean {
  return hasCrashed(status) || (status.state === 'live' && status.ready === false);
}

/**
 * The instance crashed, and its agent has recorded how. A process that has just ended is in back-off before the agent has read
 * the exit code and the last lines. The next report has them, and the failure of the release must include them.
 */
function hasCrashed({ state, restarts, reason, lastExit }: InstanceStatus): boolean {
  const isDown = state === 'failed' || state === 'backoff' || restarts > 0;
  return isDown && (reason !== undefined || lastExit !== undefined);
}

/** The agent tries again until there is space. A push does not wait for that. */
function isOutOfDisk(status: InstanceStatus): boolean {
  return status.state !== 'live' && status.reason?.code === 'SLIP_DISK_FULL';
}

export function failureOf(status: InstanceStatus): Failure {
  return {
    code: status.reason?.code ?? 'SLIP_APP_EXITED',
    message: status.reason?.message ?? `The app ${howItEnded(status.lastExit)} soon after its start.`,
    hint: status.reason?.hint ?? 'Look at its last lines with: slipway logs',
    lastLines: status.lastLines,
  };
}

/** @param app given when it would help to stop the old instances first */
export function noRoom(unplaced: Unplaced, app?: string): Failure {
  return {
    code: 'SLIP_PLACE_NO_ROOM',
    message: `${unplaced.processType}.${String(unplaced.ordinal)} cannot be placed: ${sayReasons(unplaced.reasons, 'no node has joined')}.`,
    hint:
      app === undefined
        ? 'Look at the nodes with: slipway status'
        : `To stop the old instances first, with a pause in between: slipway placement:set ${unplaced.processType} --on-full stop-first -a ${app}`,
  };
}
