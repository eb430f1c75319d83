import type { InstanceId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import { demandsOf, type AppShape } from '../schedule/demands.ts';
import { planWaves, type Placement } from '../schedule/plan.ts';
import { instancesToStop, planRoom, type RoomPlan } from '../schedule/room.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { absentNodes, assignmentRows, statusesOf, untilStopped } from '../assignments/assignment-changes.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import { runningRows } from './process-types.ts';
import { firstFailure, noRoom, type Failure } from '../assignments/instance-failure.ts';
import { replaceInstances } from '../assignments/replace-instances.ts';
import { startTimeoutMs } from '../assignments/start-timeout.ts';

export interface RestartDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly policy: { readonly startTimeoutMs: number };
  readonly newInstanceId: () => InstanceId;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

/** Replaces instances by new ones of the same release. The caller holds the app's queue. */
export class Restarts {
  readonly #deps: RestartDeps;

  constructor(deps: RestartDeps) {
    this.#deps = deps;
  }

  /**
   * Stops instances after they have lost their traffic, and starts others. `whoLeaves` is called again when every proxy has the
   * new routes, because an instance that should serve instead may have failed.
   */
  async retire(app: App, whoLeaves: () => readonly AssignmentRow[], add: readonly AssignmentRow[] = []): Promise<void> {
    const { signal } = this.#deps;
    await replaceInstances(this.#deps, { appId: app.id, signal, add, remove: whoLeaves(), recheck: whoLeaves });
  }

  /**
   * Replaces instances in waves, on the same nodes. It starts the new instances first, or stops the old ones first if there is no
   * room and the process type allows it. The first failure ends the restart; the other instances keep running.
   * @returns how many. @throws SLIP_PLACE_NO_ROOM; SLIP_PS_RESTART or the reason of the instance
   */
  async roll(app: App, current: Release, isMeant: (row: AssignmentRow) => boolean): Promise<number> {
    const { store } = this.#deps;
    const rows = await runningRows(store, app, current);
    const meant = rows.filter(isMeant);
    const shape = await appShape(store, app.id, current.slug);
    const waves = planWaves(meant);
    for (const wave of waves) {
      const plan = await this.#plan(app, current, { wave, shape });
      if (plan.kind !== 'go') throw restartFailed(noRoom(plan.unplaced, app.name));
      await this.#replace(app, current, { wave, plan, shape });
    }
    return meant.length;
  }

  async #plan(
    app: App,
    current: Release,
    step: { readonly wave: readonly AssignmentRow[]; readonly shape: AppShape },
  ): Promise<RoomPlan> {
    const { store, fleet } = this.#deps;
    const ids = new Set(step.wave.map((row) => row.instanceId));
    const types = new Set(step.wave.map((row) => String(row.processType)));
    const [rows, nodes] = [await runningRows(store, app, current), await planNodes(store, fleet)];
    return planRoom({
      demands: demandsOf(step.shape).filter((demand) => types.has(demand.processType)),
      nodes,
      placed: rows.filter((row) => !ids.has(row.instanceId)),
      former: step.wave.map((row) => ({ ...row, memoryBytes: row.limits.memoryBytes })),
      leavingBytes: new Map(),
    });
  }

  async #replace(
    app: App,
    current: Release,
    step: {
      readonly wave: readonly AssignmentRow[];
      readonly plan: RoomPlan & { kind: 'go' };
      readonly shape: AppShape;
    },
  ): Promise<void> {
    const { fleet } = this.#deps;
    // A type that runs on every node gets no new instance on a cordoned node, so the old instance stays.
    const old = step.wave.filter((row) => step.plan.placements.some((placement) => isSameSlot(placement, row)));
    const early = instancesToStop(step.plan.placements, old, step.plan.stopFirst);
    await this.retire(app, () => early);
    if (early.length > 0) await untilStopped(this.#deps, { app, rows: early }, this.#deps.signal);
    const made = assignmentRows(
      this.#deps,
      { app, version: current.version, settings: step.shape.settings },
      step.plan.placements,
    );
    const add = made.map((row) => {
      const former = old.find((each) => isSameSlot(each, row) && !early.includes(each));
      return former === undefined ? row : { ...row, replaces: former.instanceId, moveReason: 'restart' as const };
    });
    await this.retire(app, () => [], add);
    const failure = await this.#untilLive(add, startTimeoutMs(this.#deps.policy.startTimeoutMs, current));
    if (failure === undefined) {
      const isReplaced = (row: AssignmentRow): boolean =>
        add.some((one) => one.replaces === row.instanceId && fleet.status(one.instanceId)?.state === 'live');
      await this.retire(app, () => old.filter(isReplaced));
      return;
    }
    const back = assignmentRows(this.#deps, { app, version: current.version, settings: {} }, early).map((row, at) => ({
      ...row,
      limits: early[at]?.limits ?? row.limits,
    }));
    await this.retire(app, () => add, back);
    throw restartFailed(failure);
  }

  /** Instances on unreachable nodes do not count. The mover replaces them. */
  async #untilLive(rows: readonly AssignmentRow[], timeoutMs: number): Promise<Failure | undefined> {
    const { fleet, clock, signal } = this.#deps;
    const untilMs = clock.monotonicMs() + timeoutMs;
    const end = await watchFleet<Failure | 'live'>(this.#deps, { untilMs, signal }, () => {
      const { gone } = absentNodes(fleet, rows);
      const left = rows.filter((row) => !gone.has(row.nodeId));
      const failure = firstFailure(left, statusesOf(fleet, left));
      const live = left.every((row) => fleet.status(row.instanceId)?.state === 'live');
      return Promise.resolve(failure ?? (live ? 'live' : undefined));
    });
    if (end === 'live') return undefined;
    return (
      end ?? {
        code: 'SLIP_PS_RESTART',
        message: 'The new instances did not become ready in time.',
        hint: 'Look at the nodes with: slipway status',
      }
    );
  }
}

function isSameSlot(
  a: Pick<Placement, 'processType' | 'ordinal'>,
  b: Pick<Placement, 'processType' | 'ordinal'>,
): boolean {
  return a.processType === b.processType && a.ordinal === b.ordinal;
}

/** Nothing that serves was stopped, and the message says so. */
function restartFailed({ code, message, hint }: Failure): SlipwayError {
  return new SlipwayError({ code, message: `${message} The old instances keep running.`, hint, httpStatus: 422 });
}
