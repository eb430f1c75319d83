import type { InstanceId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
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
  readonly newInstanceId: () => InstanceId;
}

export interface GoBack {
  readonly app: App;
  /** The release that failed. */
  readonly version: number;
  readonly failure: Failure;
  /** The release that serves again; undefined where there was none. */
  readonly serving: Release | undefined;
  /** The failed one had become current: it gives that back too. */
  readonly restore?: true;
  readonly signal: AbortSignal;
}

/** An agent reports these after its proxy has let go of the instance. */
const WITHDRAWN: ReadonlySet<string | undefined> = new Set([undefined, 'stopping', 'stopped']);
const WITHDRAW_WAIT_MS = 5_000;

/**
 * Ends a release that failed. As careful as a switch to a new one: what served before has its traffic back, and every node
 * knows, before what failed is stopped. A crash in between leaves instances of no release; the mover ends those.
 */
export async function goBack(deps: GoBackDeps, back: GoBack): Promise<void> {
  const { store, fleet } = deps;
  const { app, version, serving, signal } = back;
  const rows = await store.assignmentsOfApp(app.id);
  const mine = rows.filter((row) => row.release === version && row.desired !== 'stop');
  const warm = rows.filter((row) => row.release === serving?.version && row.desired === 'standby');
  const add = serving === undefined ? [] : await missing(deps, { app, version, serving, rows });
  const { lastLines: _, ...failure } = back.failure;
  // What starts anew has the place of what failed, so that has to leave it now.
  const [now, later] = add.length > 0 ? [mine, []] : [[], mine];
  const change = { ...NO_CHANGE, add, setDesired: [...setDesired(now, 'stop'), ...setDesired(warm, 'run')] };
  await store.failRelease(app.id, version, failure, change, back.restore === true ? serving?.version : undefined);
  await publishTo(fleet, [...now, ...warm, ...add]);
  if (later.length === 0) await fleet.routesApplied(app.id, signal);
  await replaceInstances(deps, { appId: app.id, signal, remove: later });
  if (warm.length > 0) await untilWithdrawn(deps, mine, signal);
}

/** What had to end to make room starts anew, in the place of what failed. */
async function missing(
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

/** Until the new instances are out of their proxies: "goes on serving" is true when it is said. Nodes that are away are not waited for. */
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
  await left.catch(() => undefined); // the controller stops: what failed has been recorded
}
