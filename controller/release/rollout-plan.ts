import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { ReleaseState } from '../../shared/domain/states.ts';
import { firstFailure, type Failure } from '../assignments/instance-failure.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';

/** The time limits of a rollout, ms. */
export interface RolloutPolicy {
  /** From the assignment to the passed health check: fetch, start and the 60 s of the check. */
  readonly startTimeoutMs: number;
  /** The new instances must stay up this long after the switch before the release is complete. */
  readonly settleMs: number;
  /** How long the old instances stay ready after the switch. */
  readonly bakeMs: number;
  /** How long a release waits for room. */
  readonly roomTimeoutMs: number;
}

export const DEFAULT_ROLLOUT_POLICY: RolloutPolicy = Object.freeze({
  startTimeoutMs: 120_000,
  settleMs: 3_000,
  bakeMs: 10_000,
  roomTimeoutMs: 600_000,
});

/** The state that decides the next move. Times are monotonic. */
export interface RolloutView {
  readonly state: ReleaseState;
  /** All assignments of the app. */
  readonly rows: readonly AssignmentRow[];
  readonly version: number;
  readonly statuses: ReadonlyMap<InstanceId, InstanceStatus>;
  /** Placements of later waves that have no assignment yet. */
  readonly wavesLeft: number;
  /** Planned instances without an assignment, because their node was removed. */
  readonly missing: number;
  /** Disconnected nodes. Their last report may be outdated. */
  readonly away: ReadonlySet<NodeId>;
  /** Disconnected nodes that are unreachable by now. */
  readonly gone: ReadonlySet<NodeId>;
  readonly waveStartedAtMs: number;
  /** When the old instances lost their traffic. Absent before. */
  readonly switchedAtMs?: number | undefined;
  readonly nowMs: number;
  readonly policy: RolloutPolicy;
}

export type RolloutMove =
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'nextWave' }
  /** Every new instance is live: the old instances lose their traffic. */
  | { readonly kind: 'switch' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'fail'; readonly failure: Failure };

/** Pure: the next move of a rollout. Called again after every report and at `untilMs`. */
export function nextRolloutMove(view: RolloutView): RolloutMove {
  const mine = view.rows.filter((row) => row.release === view.version && row.desired === 'run');
  const failure = firstFailure(mine, view.statuses);
  if (failure !== undefined) return { kind: 'fail', failure };
  if (view.missing > 0 || !mine.every((row) => isUp(view, row))) return waitForStart(view, mine);
  if (view.wavesLeft > 0) return { kind: 'nextWave' };
  if (view.switchedAtMs === undefined) return { kind: 'switch' };
  const settledAtMs = view.switchedAtMs + view.policy.settleMs;
  if (view.nowMs < settledAtMs) return { kind: 'wait', untilMs: settledAtMs };
  const leftAtMs = settledAtMs + OLD_SERVING_TIMEOUT_MS;
  return view.nowMs < leftAtMs && isOldServing(view) ? { kind: 'wait', untilMs: leftAtMs } : { kind: 'complete' };
}

/** When a push returns, users must not see the old version. A node whose proxy accepts no changes must not block this for ever. */
const OLD_SERVING_TIMEOUT_MS = 10_000;

function isOldServing({ rows, version, statuses, away }: RolloutView): boolean {
  const old = rows.filter((row) => row.release !== version && row.desired !== 'run' && !away.has(row.nodeId));
  return old.some((row) => statuses.get(row.instanceId)?.serving === true);
}

/**
 * The instances of a rollout on unreachable nodes. They move to other nodes if there is room. After the switch the rollout no
 * longer does this: the mover replaces lost instances.
 */
export function strandedRows(
  view: Pick<RolloutView, 'rows' | 'version' | 'gone' | 'switchedAtMs'>,
): readonly AssignmentRow[] {
  if (view.switchedAtMs !== undefined) return [];
  return view.rows.filter((row) => row.release === view.version && row.desired === 'run' && view.gone.has(row.nodeId));
}

function isUp({ statuses, away, switchedAtMs }: RolloutView, row: AssignmentRow): boolean {
  return statuses.get(row.instanceId)?.state === 'live' && (switchedAtMs !== undefined || !away.has(row.nodeId));
}

function waitForStart(view: RolloutView, mine: readonly AssignmentRow[]): RolloutMove {
  const untilMs = view.waveStartedAtMs + view.policy.startTimeoutMs;
  if (view.nowMs < untilMs) return { kind: 'wait', untilMs };
  const late = mine.filter((row) => !isUp(view, row));
  // These nodes will soon be connected again or unreachable. Their instances are handled then.
  if (late.length > 0 && late.every((row) => isOnAwayNode(view, row)))
    return { kind: 'wait', untilMs: view.nowMs + view.policy.settleMs };
  const names = late.map((row) => `${row.processType}.${String(row.ordinal)}`);
  const reason = late.map((row) => whyLate(view, row)).find((known) => known !== undefined);
  const because = reason === undefined ? '.' : `: ${reason.message}`;
  return {
    kind: 'fail',
    failure: {
      code: 'SLIP_RELEASE_TIMEOUT',
      message: `${names.join(', ') || 'An instance'} did not become ready within ${String(Math.round(view.policy.startTimeoutMs / 1000))} s${because}`,
      hint: reason?.hint ?? 'Look at the node with: slipway status',
    },
  };
}

function isOnAwayNode({ away, gone }: RolloutView, row: AssignmentRow): boolean {
  return away.has(row.nodeId) && !gone.has(row.nodeId);
}

function whyLate({ statuses, gone }: RolloutView, row: AssignmentRow): Reason | undefined {
  if (!gone.has(row.nodeId)) return statuses.get(row.instanceId)?.reason;
  return { code: 'SLIP_RELEASE_TIMEOUT', message: 'its node disconnected, and no other node has room.' };
}

/** A release that a crash left behind must not replace a newer one that went ahead of it. */
export function overtakenBy(current: Release | undefined, release: Release): Failure | undefined {
  if (current === undefined || current.version < release.version) return undefined;
  return {
    code: 'SLIP_RELEASE_OVERTAKEN',
    message: `v${String(current.version)} was released before v${String(release.version)} was finished.`,
    hint: 'To release the older code, push it again.',
  };
}
