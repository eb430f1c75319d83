import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';

// Which process may be restarted because its liveness check failed. Pure.

/** A permission that was given. */
export interface Leave {
  readonly startedAtMs: number;
  /** Monotonic. */
  readonly givenAtMs: number;
}

/** The next instance waits at most this long for the one before it. */
export const LEAVE_MS = 120_000;

export interface TypeView {
  /** The instances of one process type of one app that should run, on all nodes. */
  readonly instances: readonly InstanceId[];
  readonly statusOf: (instance: InstanceId) => InstanceStatus | undefined;
  readonly leaves: ReadonlyMap<InstanceId, Leave>;
  /** Monotonic. */
  readonly nowMs: number;
}

/** The agent waits with the restart of this process. */
export function wantsRestart({ state, ready, reason }: InstanceStatus): boolean {
  return state === 'live' && ready === false && reason?.code === 'SLIP_CHECK_LIVENESS';
}

/**
 * The next instance that may restart: one at a time in the whole fleet, so that the others serve in the meantime. Undefined: none wants to, or
 * one restarts now.
 */
export function nextLeave(view: TypeView): { readonly instance: InstanceId; readonly startedAtMs: number } | undefined {
  if (view.instances.some((instance) => isRestarting(view, instance))) return undefined;
  const waiting = view.instances.flatMap((instance) => {
    const status = view.statusOf(instance);
    const wants = status !== undefined && wantsRestart(status) && !view.leaves.has(instance);
    return wants && status.startedAtMs !== undefined ? [{ instance, startedAtMs: status.startedAtMs }] : [];
  });
  return waiting.sort((a, b) => (a.instance < b.instance ? -1 : 1))[0];
}

function isRestarting(view: TypeView, instance: InstanceId): boolean {
  const leave = view.leaves.get(instance);
  return leave !== undefined && !isLeaveOver(view, instance, leave);
}

/** The instance is up again, is gone, or takes too long. A back-off counts too, so that not all instances wait for their next start at once. */
export function isLeaveOver(
  { statusOf, nowMs }: Pick<TypeView, 'statusOf' | 'nowMs'>,
  instance: InstanceId,
  leave: Leave,
): boolean {
  const status = statusOf(instance);
  if (status === undefined || nowMs - leave.givenAtMs >= LEAVE_MS) return true;
  if (status.state !== 'live')
    return status.state === 'failed' || status.state === 'stopping' || status.state === 'stopped';
  return status.startedAtMs !== leave.startedAtMs && (status.ready !== false || wantsRestart(status));
}
