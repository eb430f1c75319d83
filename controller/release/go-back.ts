import type { InstanceId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import { demandsOf } from '../schedule/demands.ts';
import { planPlacements } from '../schedule/plan.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { assignmentRows, NO_CHANGE, publishTo, setDesired } from '../assignments/assignment-changes.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import { replaceInstances } from '../assignments/replace-instances.ts';
import type { Failure } from '../assignments/instance-failure.ts';

export interface GoBackDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly newInstanceId: () => InstanceId;
}

export interface GoBack {
  readonly app: App;
  /** The release that failed. */
  readonly version: number;
  readonly failure: Failure;
  /** The release that serves again. Undefined when there was none. */
  readonly serving: Release | undefined;
  /** The failed release had become current. The serving release becomes current again. */
  readonly restore?: true;
  readonly signal: AbortSignal;
}

/** An agent reports these states when its proxy no longer routes to the instance. */
const WITHDRAWN: ReadonlySet<string | undefined> = new Set([undefined, 'stopping', 'stopped']);
const WITHDRAW_WAIT_MS = 5_000;

/**
 * Ends a failed release. The old instances get their traffic back, and every proxy has the routes, before the failed instances
 * stop. A crash in between leaves instances of a failed release; the mover stops them.
 */
export async function goBack(deps: GoBackDeps, back: GoBack): Promise<void> {
  const { store, fleet } = deps;
  const { app, version, serving, signal } = back;
  const rows = await store.assignmentsOfApp(app.id);
  const mine = rows.filter((row) => row.release === version && row.desired !== 'stop');
  const warm = rows.filter((row) => row.release === serving?.version && row.desired === 'standby');
  const add = serving === undefined ? [] : await missingInstances(deps, { app, version, serving, rows });
  const { lastLines: _, ...failure } = back.failure;
  // New instances of the old release need the room of the failed instances, so these stop first.
  const [now, later] = add.length > 0 ? [mine, []] : [[], mine];
  const change = { ...NO_CHANGE, add, setDesired: [...setDesired(now, 'stop'), ...setDesired(warm, 'run')] };
  await store.failRelease(app.id, version, failure, change, back.restore === true ? serving?.version : undefined);
  await deps.failpoint('release.failed');
  await publishTo(fleet, [...now, ...warm, ...add]);
  if (later.length === 0) await fleet.routesApplied(app.id, signal);
  await replaceInstances(deps, { appId: app.id, signal, remove: later });
  if (warm.length > 0) await untilWithdrawn(deps, mine, signal);
}

/** New instances for those that were stopped to make room (stop-first). They take the room of the failed instances. */
async function missingInstances(
  deps: GoBackDeps,
  failed: {
    readonly app: App;
    readonly version: number;
    readonly serving: Release;
    readonly rows: readonly AssignmentRow[];
  },
): Promise<AssignmentRow[]> {
  const { version } = failed.serving;
  const shape = await appShape(deps.store, failed.app.id, failed.serving.slug);
  const demands = demandsOf(shape).filter((demand) => demand.rule.onFull === 'stop-first');
  if (demands.length === 0) return [];
  const freed = failed.rows.filter((row) => row.release === failed.version);
  const nodes = (await planNodes(deps.store, deps.fleet)).map((node) => ({
    ...node,
    reservedBytes:
      node.reservedBytes -
      freed.reduce((sum, row) => sum + (row.nodeId === node.nodeId ? row.limits.memoryBytes : 0), 0),
  }));
  const placed = failed.rows.filter((row) => row.release === version && row.desired !== 'stop');
  const former = failed.rows.filter((row) => row.release === version && row.desired === 'stop');
  const { placements } = planPlacements({ demands, nodes, placed, former: [...former, ...freed] });
  return assignmentRows(deps, { app: failed.app, version, settings: shape.settings }, placements);
}

/** Waits until no proxy routes to the failed instances, because the user is then told that the old release serves. Disconnected nodes do not count. */
async function untilWithdrawn(
  { clock, fleet }: GoBackDeps,
  mine: readonly AssignmentRow[],
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonicMs() + WITHDRAW_WAIT_MS;
  const isIn = (row: AssignmentRow): boolean =>
    fleet.node(row.nodeId)?.connected === true && !WITHDRAWN.has(fleet.status(row.instanceId)?.state);
  const left = watchFleet({ fleet, clock }, { untilMs, signal }, () =>
    Promise.resolve(mine.some(isIn) ? undefined : true),
  );
  await left.catch(() => undefined); // the controller stops; the failure is already stored
}
