import type { Clock } from '../../shared/kit/clock.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import { demandsOf, type AppShape } from '../schedule/demands.ts';
import type { Placement } from '../schedule/plan.ts';
import { planRoom, type RoomPlan } from '../schedule/room.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { NO_CHANGE, publishTo, setDesired } from '../assignments/assignment-changes.ts';
import { noRoom, type Failure } from '../assignments/instance-failure.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import { renderNoRoomYet } from './push-output.ts';

export interface RoomDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly roomTimeoutMs: number;
}

export interface Place {
  readonly placements: readonly Placement[];
  readonly stopFirst: ReadonlySet<string>;
  readonly settings: AppShape['settings'];
}

export interface RoomWait {
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  /** Called before each check. The release has no instances yet, so lost instances of the app are replaced meanwhile. */
  readonly letMovesPass: () => Promise<void>;
}

/** Longer than the longest time between two heartbeats. The reported free disk of a node may be that old. */
const DISK_REPORT_MS = 40_000;
/** Ended instances and new nodes are reported. Free disk is not, so it is checked at this interval. */
const CHECK_EVERY_MS = 2_000;

/** Finds nodes for the instances of a release. It waits if room may become free, and tells the user once. */
export async function findRoom(
  deps: RoomDeps,
  target: { readonly app: App; readonly release: Release },
  io: RoomWait,
): Promise<Place | Failure> {
  const startedAtMs = deps.clock.monotonicMs();
  let told = false;
  let last: Failure | undefined;
  const found = await watchFleet(
    deps,
    { untilMs: startedAtMs + deps.roomTimeoutMs, signal: io.signal },
    async (lookAgainAt) => {
      await io.letMovesPass();
      const [rows, shape] = await Promise.all([
        deps.store.assignmentsOfApp(target.app.id),
        appShape(deps.store, target.app.id, target.release.slug),
      ]);
      const plan = await roomNow(deps, target.release, { rows, shape });
      if (plan.kind === 'go')
        return { placements: plan.placements, stopFirst: plan.stopFirst, settings: shape.settings };
      last = noRoom(plan.unplaced, plan.kind === 'wait' && plan.for === 'room' ? target.app.name : undefined);
      const patienceMs = plan.kind === 'fail' ? 0 : plan.for === 'disk' ? DISK_REPORT_MS : deps.roomTimeoutMs;
      const nowMs = deps.clock.monotonicMs();
      if (nowMs >= startedAtMs + patienceMs) return last;
      if (!told) io.print(renderNoRoomYet(last, patienceMs));
      told = true;
      await stopStandby(deps, target.release, rows);
      lookAgainAt(nowMs + CHECK_EVERY_MS);
      return undefined;
    },
  );
  return found ?? last ?? { code: 'SLIP_PLACE_NO_ROOM', message: 'There is no room.' };
}

/** Plans the missing instances of a release for the nodes as they are now. */
export async function roomNow(
  { store, fleet }: Pick<RoomDeps, 'store' | 'fleet'>,
  release: Release,
  { rows, shape }: { readonly rows: readonly AssignmentRow[]; readonly shape: AppShape },
): Promise<RoomPlan> {
  const running = rows.filter((row) => row.desired === 'run');
  const [promised, nodes] = await Promise.all([store.promisedMemory(), planNodes(store, fleet)]);
  return planRoom({
    demands: demandsOf(shape),
    nodes,
    placed: running.filter((row) => row.release === release.version),
    former: running
      .filter((row) => row.release !== release.version)
      .map((row) => ({ ...row, memoryBytes: row.limits.memoryBytes })),
    leavingBytes: new Map([...promised].map(([nodeId, { leavingBytes }]) => [nodeId, leavingBytes])),
  });
}

/** Stops the standby instances of earlier releases to make room. The end of their bake would wait for this rollout. */
async function stopStandby(
  { store, fleet }: RoomDeps,
  release: Release,
  rows: readonly AssignmentRow[],
): Promise<void> {
  const standby = rows.filter((row) => row.desired === 'standby' && row.release !== release.version);
  if (standby.length === 0) return;
  await store.changeAssignments({ ...NO_CHANGE, setDesired: setDesired(standby, 'stop') });
  await publishTo(fleet, standby);
}
