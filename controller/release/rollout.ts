import { toReason } from '../../shared/domain/instance.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { type SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import type { AppShape } from '../schedule/demands.ts';
import { planWaves, type Placement } from '../schedule/plan.ts';
import { instancesToStop } from '../schedule/room.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentChange, AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { findRoom } from './find-room.ts';
import {
  absentNodes,
  assignmentRows,
  NO_CHANGE,
  publishTo,
  setDesired,
  statusesOf,
  untilStopped,
} from '../assignments/assignment-changes.ts';
import { goBack } from './go-back.ts';
import { longestOf } from './push-timings.ts';
import { RefKeeper } from './ref-keeper.ts';
import { replan } from './replan.ts';
import { withStartTimeout } from '../assignments/start-timeout.ts';
import { tellUnchecked } from './unchecked-nodes.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import { replaceInstances } from '../assignments/replace-instances.ts';
import type { RolloutIo, RolloutOutcome } from './rollout-io.ts';
import type { Switches } from './switches.ts';
import { nextRolloutMove, overtakenBy, type RolloutMove, type RolloutPolicy } from './rollout-plan.ts';

export interface RolloutDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  readonly policy: RolloutPolicy;
  /** Makes the git refs follow the current release. `ref` is undefined when its code came from another app. */
  readonly moveRef: (app: App, ref: string | undefined, commit: string) => Promise<void>;
  readonly newInstanceId: () => InstanceId;
  /** One per app. The rollout holds the turn of its app. */
  readonly queue: Pick<KeyedQueue, 'letPass'>;
  /** Counts the failed requests of each deploy. Absent: nothing is counted. */
  readonly switches?: Pick<Switches, 'begin' | 'reportLive' | 'reportFailed' | 'forget'> | undefined;
}

/** State of a running rollout. */
interface Run {
  readonly app: App;
  readonly release: Release;
  readonly version: number;
  /** Aborted when the controller stops, or when a user aborts the deploy. */
  readonly signal: AbortSignal;
  /** Aborted when the controller stops. */
  readonly stop: AbortSignal;
  readonly print: (text: string) => void;
  /** Number of instances of all waves. */
  size: number;
  waves: (readonly Placement[])[];
  /** Process types whose old instances stop before the new ones start, to make room. */
  stopFirst: ReadonlySet<string>;
  settings: AppShape['settings'];
  waveStartedAtMs: number;
  switchedAtMs: number | undefined;
}

/** Moves an app from its current release to a new one. The caller holds the app's queue, so there is one rollout per app. */
export class Rollouts {
  readonly #deps: RolloutDeps;
  readonly #refs: RefKeeper;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
    this.#refs = new RefKeeper(deps);
  }

  /** Rolls out a `pending` release, or a `deploying` one after a restart. The release is current or failed at the end. */
  async rollOut(app: App, release: Release, io: RolloutIo): Promise<RolloutOutcome> {
    try {
      return await this.#rollOut(app, release, io);
    } catch (error) {
      this.#deps.switches?.forget({ app, version: release.version });
      throw error;
    }
  }

  async #rollOut(app: App, release: Release, { signal: stop, abort, print }: RolloutIo): Promise<RolloutOutcome> {
    const overtaken = overtakenBy(await this.#deps.store.currentRelease(app.id), release);
    const plan = { size: 0, waves: [], stopFirst: new Set<string>(), settings: {} };
    const times = { waveStartedAtMs: 0, switchedAtMs: undefined };
    const signal = abort === undefined ? stop : AbortSignal.any([stop, abort]);
    const { version } = release;
    const run: Run = { app, release, version, signal, stop, print: print ?? (() => undefined), ...plan, ...times };
    try {
      const failure = overtaken ?? (await this.#begin(run, release));
      return failure === undefined ? await this.#follow(run, signal) : await this.#fail(run, failure);
    } catch (error) {
      if (stop.aborted) throw error; // the app is destroyed, or the controller stops: its next start continues
      if (abort?.aborted === true) return this.#fail(run, toReason(abort.reason));
      this.#deps.log.error({ app: app.name, version: run.version, err: error }, 'rollout.failed');
      return this.#fail(run, toReason(error));
    }
  }

  /** Places the missing instances and starts the first wave. */
  async #begin(run: Run, release: Release): Promise<Failure | undefined> {
    const { store, policy, queue } = this.#deps;
    const letMovesPass = (): Promise<void> =>
      release.state === 'pending' ? queue.letPass(run.app.id, 'move') : Promise.resolve();
    const target = { app: run.app, release };
    const place = await findRoom({ ...this.#deps, roomTimeoutMs: policy.roomTimeoutMs }, target, {
      ...run,
      letMovesPass,
    });
    if ('code' in place) return place;
    run.waves = planWaves(place.placements).slice();
    run.settings = place.settings;
    run.stopFirst = place.stopFirst;
    const first = run.waves.shift() ?? [];
    if (release.state === 'pending') await this.#deps.switches?.begin(run, await store.assignmentsOfApp(run.app.id));
    await this.#makeWay(run, first);
    const rows = await store.assignmentsOfApp(run.app.id);
    run.size = place.placements.length + mineOf(run, rows).length;
    const leftovers = rows.filter(
      (row) => row.desired === 'standby' && row.release !== run.version && release.state === 'pending',
    );
    const change = {
      ...NO_CHANGE,
      add: assignmentRows(this.#deps, run, first),
      setDesired: setDesired(leftovers, 'stop'),
    };
    run.waveStartedAtMs = this.#deps.clock.monotonicMs();
    if (release.state === 'pending') await store.beginRollout(run.app.id, run.version, change);
    else await store.changeAssignments(change);
    await this.#deps.failpoint('release.deploying');
    await publishTo(this.#deps.fleet, [...rows, ...change.add]);
    return undefined;
  }

  /** Stops old instances before a wave starts, if there is no room for both. */
  async #makeWay(run: Run, wave: readonly Placement[]): Promise<void> {
    if (run.stopFirst.size === 0) return;
    const rows = (await this.#deps.store.assignmentsOfApp(run.app.id)).filter(
      (row) => row.release !== run.version && row.desired === 'run',
    );
    const ending = instancesToStop(wave, rows, run.stopFirst);
    if (ending.length === 0) return;
    await replaceInstances(this.#deps, { appId: run.app.id, signal: run.signal, remove: ending });
    await untilStopped(this.#deps, { app: run.app, rows: ending }, run.signal);
  }

  /** Makes one move after the other until the release is current or failed. Waits for a report or for the time of the next check. */
  async #follow(run: Run, signal: AbortSignal): Promise<RolloutOutcome> {
    const outcome = await watchFleet(this.#deps, { untilMs: Infinity, signal }, async (lookAgainAt) => {
      for (;;) {
        const rows = await this.#deps.store.assignmentsOfApp(run.app.id);
        if (await this.#replan(run, rows)) continue;
        const move = nextRolloutMove(this.#view(run, rows));
        const end = await this.#make(run, rows, move);
        if (end !== undefined) return end;
        if (move.kind !== 'wait') continue;
        lookAgainAt(move.untilMs);
        return undefined;
      }
    });
    if (outcome === undefined) throw signal.reason;
    return outcome;
  }

  #view(run: Run, rows: readonly AssignmentRow[]): Parameters<typeof nextRolloutMove>[0] {
    return {
      state: 'deploying',
      rows,
      version: run.version,
      statuses: statusesOf(this.#deps.fleet, rows),
      wavesLeft: run.waves.length,
      missing: run.switchedAtMs === undefined ? run.size - mineOf(run, rows).length - run.waves.flat().length : 0,
      ...absentNodes(this.#deps.fleet, rows),
      waveStartedAtMs: run.waveStartedAtMs,
      switchedAtMs: run.switchedAtMs,
      nowMs: this.#deps.clock.monotonicMs(),
      policy: withStartTimeout(this.#deps.policy, run.release),
    };
  }

  async #make(run: Run, rows: readonly AssignmentRow[], move: RolloutMove): Promise<RolloutOutcome | undefined> {
    switch (move.kind) {
      case 'wait':
        return undefined;
      case 'nextWave':
        await this.#startWave(run);
        return undefined;
      case 'switch':
        await this.#switch(run, rows);
        return undefined;
      case 'complete':
        return this.#complete(run, rows);
      case 'fail':
        return this.#fail(run, move.failure);
    }
  }

  /** Moves instances of unreachable nodes to other nodes, if there is room. */
  async #replan(run: Run, rows: readonly AssignmentRow[]): Promise<boolean> {
    const next = await replan(this.#deps, this.#view(run, rows), { ...run, planned: run.waves.flat() });
    if (next === undefined) return false;
    run.waves = planWaves(next.placements).slice();
    run.stopFirst = next.stopFirst;
    run.size = next.placements.length + mineOf(run, rows).length - next.stranded.length;
    if (next.stranded.length > 0)
      await this.#change(rows, { ...NO_CHANGE, setDesired: setDesired(next.stranded, 'stop') });
    run.waveStartedAtMs = this.#deps.clock.monotonicMs();
    return true;
  }

  async #startWave(run: Run): Promise<void> {
    const wave = run.waves.shift() ?? [];
    await this.#makeWay(run, wave);
    const add = assignmentRows(this.#deps, run, wave);
    await replaceInstances(this.#deps, { appId: run.app.id, signal: run.signal, add });
    run.waveStartedAtMs = this.#deps.clock.monotonicMs();
  }

  /** Takes the traffic from the old instances when every proxy has the routes to the new ones. */
  async #switch(run: Run, rows: readonly AssignmentRow[]): Promise<void> {
    const old = rows.filter((row) => row.release !== run.version && row.desired === 'run');
    // A new instance may end while the proxies get the new routes.
    const isStillDue = (): boolean => nextRolloutMove(this.#view(run, rows)).kind === 'switch';
    if (old.length === 0) {
      await this.#deps.fleet.routesApplied(run.app.id, run.signal);
      if (!isStillDue()) return;
    } else {
      const recheck = (): readonly AssignmentRow[] => (isStillDue() ? old : []);
      const switched = { appId: run.app.id, signal: run.signal, remove: old, removeTo: 'standby' as const, recheck };
      if ((await replaceInstances(this.#deps, switched)).length === 0) return;
    }
    run.switchedAtMs = this.#deps.clock.monotonicMs();
    await this.#deps.failpoint('release.switched');
  }

  async #complete(run: Run, rows: readonly AssignmentRow[]): Promise<RolloutOutcome> {
    run.signal.throwIfAborted(); // from here on, the deploy cannot be aborted any more
    await this.#deps.store.completeRollout(run.app.id, run.version, NO_CHANGE);
    await this.#deps.failpoint('release.current');
    const refLate = await this.syncRef(run.app, run.stop);
    await this.#deps.failpoint('release.refMoved');
    await this.#deps.switches?.reportLive(run);
    const mine = mineOf(run, rows);
    tellUnchecked(run, mine, this.#deps.fleet.nodes());
    const slowest = [...statusesOf(this.#deps.fleet, mine).values()].map((status) => status.timingsMs);
    return {
      ok: true,
      nodes: new Set(mine.map((row) => row.nodeId)).size,
      switchedAtMs: run.switchedAtMs ?? this.#deps.clock.monotonicMs(),
      timingsMs: longestOf(slowest),
      refLate,
    };
  }

  /** An abort does not cut the way back short. */
  #fail({ app, version, stop }: Run, failure: Failure): Promise<RolloutOutcome> {
    return this.fail({ app, version, signal: stop }, failure);
  }

  /** Fails a release. The release that served before goes on, or gets its traffic back. */
  async fail(run: Pick<Run, 'app' | 'version' | 'signal'>, failure: Failure): Promise<RolloutOutcome> {
    // Only the current release may get its traffic back. Other standby instances belong to an older release.
    const serving = await this.#deps.store.currentRelease(run.app.id);
    await goBack(this.#deps, { ...run, failure, serving });
    await this.#deps.switches?.reportFailed(run);
    return { ok: false, failure };
  }

  /** Makes the git refs follow the current release. Returns the error if that fails. */
  syncRef(app: App, signal: AbortSignal): Promise<SlipwayError | undefined> {
    return this.#refs.sync(app, signal);
  }

  async #change(rows: readonly AssignmentRow[], change: AssignmentChange): Promise<void> {
    await this.#deps.store.changeAssignments(change);
    await publishTo(this.#deps.fleet, [...rows, ...change.add]);
  }
}

function mineOf({ version }: Run, rows: readonly AssignmentRow[]): readonly AssignmentRow[] {
  return rows.filter((row) => row.release === version && row.desired === 'run');
}
