import type { Formation } from '../../shared/domain/placement.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { assignmentRows } from '../assignments/assignment-changes.ts';
import { noRoom } from '../assignments/instance-failure.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import { demandsOf, type AppShape } from '../schedule/demands.ts';
import { planPlacements, surplus, type Placement } from '../schedule/plan.ts';
import { runningRows } from './process-types.ts';
import type { RestartDeps, Restarts } from './restarts.ts';

export interface CountDeps extends RestartDeps {
  readonly restarts: Restarts;
  readonly failpoint: Failpoint;
}

interface CountChange {
  /** The counts that should run now, of the process types that change. */
  readonly wanted: Formation;
  /** Their counts before. */
  readonly now: Formation;
  /** Stores the change. Called when every additional instance has a place. */
  readonly save: () => Promise<unknown>;
}

/**
 * Starts the missing instances of these process types, and stops those above the counts. Fails at once, without a change, if an additional
 * instance cannot be placed. The caller holds the app's queue. @throws SLIP_PLACE_NO_ROOM
 */
export async function changeCounts(
  deps: CountDeps,
  { app, current }: { readonly app: App; readonly current: Release },
  { wanted, now, save }: CountChange,
): Promise<void> {
  const { store, fleet, restarts, failpoint } = deps;
  const shape = await appShape(store, app.id, current.slug);
  const next: AppShape = { ...shape, formation: { ...shape.formation, ...wanted } };
  const rows = await runningRows(store, app, current);
  const isLive = (row: AssignmentRow): boolean =>
    fleet.node(row.nodeId)?.connected === true && fleet.status(row.instanceId)?.state === 'live';
  const leaving = surplusInstances(rows, wanted, isLive);
  const { placements, unplaced } = planPlacements({
    demands: demandsOf(next).filter((demand) => ownProperty(wanted, demand.processType) !== undefined),
    nodes: await planNodes(store, fleet),
    placed: rows.filter((row) => !leaving.includes(row)),
    former: [],
  });
  const impossible = unplaced.find(({ processType: type }) =>
    isMore(
      wanted[type],
      now[type],
      rows.filter((row) => row.processType === type),
    ),
  );
  if (impossible !== undefined) throw new SlipwayError({ ...noRoom(impossible), httpStatus: 422 });
  await save();
  await failpoint('formation.stored');
  const add = assignmentRows(deps, { app, version: current.version, settings: shape.settings }, placements);
  await restarts.retire(app, () => surplusInstances(rows, wanted, isLive), add);
}

/** A smaller count is never refused, even if an instance had no place before. */
function isMore(
  wanted: Formation[string] = 0,
  now: Formation[string] = 0,
  { length: running }: readonly AssignmentRow[],
): boolean {
  if (wanted === 'all') return now !== 'all';
  return wanted > Math.max(running, now === 'all' ? 0 : now);
}

/** Instances above the wanted count that can stop now; the mover stops the others later. For `all`: the second instance on a node. */
function surplusInstances(
  rows: readonly AssignmentRow[],
  wanted: Formation,
  isLive: (row: AssignmentRow) => boolean,
): readonly AssignmentRow[] {
  const seen = new Set<string>();
  const mine = rows
    .filter((row) => ownProperty(wanted, row.processType) !== undefined)
    .sort((a, b) => a.ordinal - b.ordinal);
  const doubles = mine.filter((row: Placement) => {
    const key = `${row.processType} ${row.nodeId}`;
    const isDouble = wanted[row.processType] === 'all' && seen.has(key);
    seen.add(key);
    return isDouble;
  });
  return [...surplus(mine, wanted, isLive), ...doubles];
}
