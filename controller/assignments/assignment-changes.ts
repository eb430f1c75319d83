import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import { limitsOf, type AppShape } from '../schedule/demands.ts';
import type { Placement } from '../schedule/plan.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentChange, AssignmentRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';

export const NO_CHANGE: AssignmentChange = Object.freeze({ add: [], setDesired: [], remove: [] });

/** Drain and SIGTERM take 60 s at most. Then the instance is killed. */
const STOP_WAIT_MS = 75_000;

export function setDesired(
  rows: readonly AssignmentRow[],
  desired: AssignmentRow['desired'],
): AssignmentChange['setDesired'] {
  return rows.map((row) => ({ instanceId: row.instanceId, desired }));
}

/** The assignments for planned placements. */
export function assignmentRows(
  deps: { readonly clock: Clock; readonly newInstanceId: () => InstanceId },
  target: { readonly app: App; readonly version: number; readonly settings: AppShape['settings'] },
  placements: readonly Placement[],
): AssignmentRow[] {
  return placements.map((placement) => ({
    instanceId: deps.newInstanceId(),
    nodeId: placement.nodeId,
    appId: target.app.id,
    release: target.version,
    processType: parseProcessType(placement.processType),
    ordinal: placement.ordinal,
    limits: limitsOf(target.settings, placement.processType),
    desired: 'run',
    createdAtMs: deps.clock.nowMs(),
  }));
}

/** Sends the desired state to every node of these rows. */
export async function publishTo(fleet: Pick<Fleet, 'publish'>, rows: readonly AssignmentRow[]): Promise<void> {
  await Promise.all([...new Set(rows.map((row) => row.nodeId))].map((nodeId) => fleet.publish(nodeId)));
}

export function statusesOf(
  fleet: Pick<Fleet, 'status'>,
  rows: readonly AssignmentRow[],
): ReadonlyMap<InstanceId, InstanceStatus> {
  return new Map(
    rows.flatMap((row) => {
      const status = fleet.status(row.instanceId);
      return status === undefined ? [] : [[row.instanceId, status] as const];
    }),
  );
}

/** Nodes of these rows that are disconnected (`away`), and those of them that are unreachable by now (`gone`). */
export function absentNodes(
  fleet: Pick<Fleet, 'node'>,
  rows: readonly { readonly nodeId: NodeId }[],
): { readonly away: ReadonlySet<NodeId>; readonly gone: ReadonlySet<NodeId> } {
  const away = new Set(rows.map((row) => row.nodeId).filter((nodeId) => fleet.node(nodeId)?.connected !== true));
  return { away, gone: new Set([...away].filter((nodeId) => fleet.node(nodeId)?.state !== 'ready')) };
}

/** Waits until these instances have stopped. A disconnected node stops its instances when it is connected again, so it does not count. */
export async function untilStopped(
  deps: { readonly store: Pick<Store, 'assignmentsOfApp'>; readonly fleet: Fleet; readonly clock: Clock },
  stopping: { readonly app: App; readonly rows: readonly AssignmentRow[] },
  signal: AbortSignal,
): Promise<void> {
  const { store, fleet, clock } = deps;
  const ids = new Set(stopping.rows.map((row) => row.instanceId));
  const isLeft = ({ instanceId, nodeId }: AssignmentRow): boolean =>
    ids.has(instanceId) && fleet.node(nodeId)?.connected === true && fleet.status(instanceId)?.state !== 'stopped';
  await watchFleet(deps, { untilMs: clock.monotonicMs() + STOP_WAIT_MS, signal }, async () =>
    (await store.assignmentsOfApp(stopping.app.id)).some(isLeft) ? undefined : true,
  );
}
