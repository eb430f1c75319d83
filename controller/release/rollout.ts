import type { InstanceId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses, toSlipwayError, type SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { demandsOf, limitsOf, type AppShape } from '../schedule/demands.ts';
import { planPlacements, planWaves, type Placement, type Unplaced } from '../schedule/plan.ts';
import type { App, AssignmentChange, AssignmentRow, Release, Store } from '../store/port.ts';
import { appShape, planNodes } from './placing.ts';
import { RefKeeper } from './ref-keeper.ts';
import { type Failure, nextRolloutMove, noRoom, overtakenBy, type RolloutMove, type RolloutPolicy } from './rollout-plan.ts';

export interface RolloutDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  readonly policy: RolloutPolicy;
  /** Makes the git ref agree with the release that is current now; the database is the truth. */
  readonly moveRef: (app: App, ref: string, commit: string) => Promise<void>;
  readonly newInstanceId: () => InstanceId;
}

export type RolloutOutcome =
  | {
      readonly ok: true;
      readonly nodes: number;
      /** Monotonic ms at which every new instance had its traffic and the old ones gave theirs up. */
      readonly switchedAtMs: number;
      /** Slowest instance's start, step by step. */
      readonly timingsMs: Readonly<Record<string, number>>;
      /** Why the git ref is not yet where the release is; it follows by itself. */
      readonly refLate?: SlipwayError | undefined;
    }
  | { readonly ok: false; readonly failure: Failure };

/** State of one rollout under way. */
interface Run {
  readonly app: App;
  readonly version: number;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
  waves: (readonly Placement[])[];
  settings: AppShape['settings'];
  waveStartedAtMs: number;
  switchedAtMs: number | undefined;
}

/** An agent reports these after its proxy has let go of the instance. */
const WITHDRAWN: ReadonlySet<string | undefined> = new Set([undefined, 'stopping', 'stopped']);
const WITHDRAW_WAIT_MS = 5_000;

export const NO_CHANGE: AssignmentChange = Object.freeze({ add: [], setDesired: [], remove: [] });

/** Moves an app from its current release to a new one. One rollout per app at a time: the caller holds the app's queue. */
export class Rollouts {
  readonly #deps: RolloutDeps;
  readonly #refs: RefKeeper;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
    this.#refs = new RefKeeper(deps);
  }

  /** Rolls a `pending` or (after a restart) `deploying` release out to its end. Never leaves it half done. */
  async run(app: App, release: Release, signal: AbortSignal): Promise<RolloutOutcome> {
    const overtaken = overtakenBy(await this.#deps.store.currentRelease(app.id), release);
    const run: Run = { app, version: release.version, signal, waves: [], settings: {}, waveStartedAtMs: 0, switchedAtMs: undefined };
    const trouble = overtaken ?? (await this.#begin(run, release));
    if (trouble !== undefined) return this.#fail(run, trouble);
    try {
      return await this.#follow(run, signal);
    } catch (error) {
      if (signal.aborted) throw error; // the controller stops; the next start resumes
      this.#deps.log.error({ app: app.name, version: run.version, error: describeCauses(error) }, 'rollout.error');
      const known = toSlipwayError(error);
      return this.#fail(run, { code: known.code, message: known.message, hint: known.hint });
    }
  }

  /** Places what is not placed yet and starts the first wave. */
  async #begin(run: Run, release: Release): Promise<Failure | undefined> {
    const { store } = this.#deps;
    const rows = await store.assignmentsOfApp(run.app.id);
    const { placements, unplaced, settings } = await this.#place(run.app, release, rows);
    if (unplaced[0] !== undefined) return noRoom(unplaced[0]);
    run.waves = planWaves(placements).slice();
    run.settings = settings;
    const leftovers = rows.filter((row) => row.desired === 'standby' && row.release !== run.version && release.state === 'pending');
    const change = {
      add: this.#rowsFor(run, run.waves.shift() ?? []),
      setDesired: leftovers.map((row) => ({ instanceId: row.instanceId, desired: 'stop' as const })),
      remove: [],
    };
    run.waveStartedAtMs = this.#deps.clock.monotonicMs();
    if (release.state === 'pending') await store.beginRollout(run.app.id, run.version, change);
    else await store.changeAssignments(change);
    await this.#deps.failpoint('release.deploying');
    await this.#publish([...rows, ...change.add]);
    return undefined;
  }

  async #place(
    app: App,
    release: Release,
    rows: readonly AssignmentRow[],
  ): Promise<{ placements: readonly Placement[]; unplaced: readonly Unplaced[]; settings: AppShape['settings'] }> {
    const { store, fleet } = this.#deps;
    const shape = await appShape(store, app.id, release.slug);
    const running = rows.filter((row) => row.desired === 'run');
    const { placements, unplaced } = planPlacements({
      demands: demandsOf(shape),
      nodes: await planNodes(store, fleet),
      placed: running.filter((row) => row.release === release.version),
      former: running.filter((row) => row.release !== release.version),
    });
    return { placements, unplaced, settings: shape.settings };
  }

  #rowsFor(run: Run, placements: readonly Placement[]): AssignmentRow[] {
    return placements.map((placement) => ({
      instanceId: this.#deps.newInstanceId(),
      nodeId: placement.nodeId,
      appId: run.app.id,
      release: run.version,
      processType: parseProcessType(placement.processType),
      ordinal: placement.ordinal,
      limits: limitsOf(run.settings, placement.processType),
      desired: 'run',
      createdAtMs: this.#deps.clock.nowMs(),
    }));
  }

  /** Looks, moves, waits for a report or the clock; again until it is decided. */
  async #follow(run: Run, signal: AbortSignal): Promise<RolloutOutcome> {
    for (;;) {
      signal.throwIfAborted();
      const changed = this.#nextChange();
      const rows = await this.#deps.store.assignmentsOfApp(run.app.id);
      const move = nextRolloutMove(this.#view(run, rows));
      const outcome = await this.#make(run, rows, move);
      if (outcome !== undefined) return outcome;
      if (move.kind === 'wait') await this.#wait(changed, move.untilMs, signal);
      changed.stop();
    }
  }

  #view(run: Run, rows: readonly AssignmentRow[]): Parameters<typeof nextRolloutMove>[0] {
    return {
      state: 'deploying',
      rows,
      version: run.version,
      statuses: this.#statuses(rows),
      wavesLeft: run.waves.length,
      waveStartedAtMs: run.waveStartedAtMs,
      switchedAtMs: run.switchedAtMs,
      nowMs: this.#deps.clock.monotonicMs(),
      policy: this.#deps.policy,
    };
  }

  #statuses(rows: readonly AssignmentRow[]): ReadonlyMap<InstanceId, InstanceStatus> {
    return new Map(
      rows.flatMap((row) => {
        const status = this.#deps.fleet.status(row.instanceId);
        return status === undefined ? [] : [[row.instanceId, status] as const];
      }),
    );
  }

  async #make(run: Run, rows: readonly AssignmentRow[], move: RolloutMove): Promise<RolloutOutcome | undefined> {
    switch (move.kind) {
      case 'wait':
        return undefined;
      case 'nextWave':
        await this.#change(rows, { ...NO_CHANGE, add: this.#rowsFor(run, run.waves.shift() ?? []) });
        run.waveStartedAtMs = this.#deps.clock.monotonicMs();
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

  /** The old instances give up their traffic, after every node has heard where the new ones are. */
  async #switch(run: Run, rows: readonly AssignmentRow[]): Promise<void> {
    const old = rows.filter((row) => row.release !== run.version && row.desired === 'run');
    const leaving = old.map((row) => row.instanceId);
    await this.#deps.fleet.routesApplied(run.app.id, run.signal, leaving);
    await this.#change(rows, { ...NO_CHANGE, setDesired: setDesired(old, 'standby') });
    run.switchedAtMs = this.#deps.clock.monotonicMs();
    await this.#deps.failpoint('release.switched');
  }

  async #complete(run: Run, rows: readonly AssignmentRow[]): Promise<RolloutOutcome> {
    await this.#deps.store.completeRollout(run.app.id, run.version, NO_CHANGE);
    await this.#deps.failpoint('release.current');
    const refLate = await this.syncRef(run.app, run.signal);
    await this.#deps.failpoint('release.refMoved');
    const mine = rows.filter((row) => row.release === run.version);
    const slowest = [...this.#statuses(mine).values()].map((status) => status.timingsMs);
    const switchedAtMs = run.switchedAtMs ?? this.#deps.clock.monotonicMs();
    return { ok: true, nodes: new Set(mine.map((row) => row.nodeId)).size, switchedAtMs, timingsMs: maxOf(slowest), refLate };
  }

  /** Back to what served before, by itself: new instances stop, old ones take the traffic back. */
  async #fail(run: Run, failure: Failure): Promise<RolloutOutcome> {
    const rows = await this.#deps.store.assignmentsOfApp(run.app.id);
    const mine = rows.filter((row) => row.release === run.version);
    // Of what is warm only the current release may come back: others are an older one's, kept for its bake.
    const current = await this.#deps.store.currentRelease(run.app.id);
    const old = rows.filter((row) => row.release === current?.version && row.desired === 'standby');
    const change = { ...NO_CHANGE, setDesired: [...setDesired(mine, 'stop'), ...setDesired(old, 'run')] };
    const { lastLines: _, ...kept } = failure;
    await this.#deps.store.failRelease(run.app.id, run.version, kept, change);
    await this.#publish(rows);
    await this.#deps.fleet.routesApplied(run.app.id, run.signal);
    if (old.length > 0) await this.#untilWithdrawn(run, mine);
    return { ok: false, failure };
  }

  /** Until the new instances are out of their proxies: "goes on serving" is true when it is said. Nodes that are away are not waited for. */
  async #untilWithdrawn(run: Run, mine: readonly AssignmentRow[]): Promise<void> {
    const { clock, fleet } = this.#deps;
    const untilMs = clock.monotonicMs() + WITHDRAW_WAIT_MS;
    const isIn = (row: AssignmentRow): boolean =>
      fleet.nodes().some((node) => node.nodeId === row.nodeId && node.connected) && !WITHDRAWN.has(fleet.status(row.instanceId)?.state);
    while (clock.monotonicMs() < untilMs && !run.signal.aborted) {
      const changed = this.#nextChange();
      const waits = mine.some(isIn);
      if (waits) await this.#wait(changed, untilMs, run.signal);
      changed.stop();
      if (!waits) return;
    }
  }

  /** The ref follows the database: after a completed rollout, a rollback, or a crash in between. Returns what keeps it from doing so. */
  syncRef(app: App, signal: AbortSignal): Promise<SlipwayError | undefined> {
    return this.#refs.sync(app, signal);
  }

  async #change(rows: readonly AssignmentRow[], change: AssignmentChange): Promise<void> {
    await this.#deps.store.changeAssignments(change);
    await this.#publish([...rows, ...change.add]);
  }

  async #publish(rows: readonly AssignmentRow[]): Promise<void> {
    await Promise.all([...new Set(rows.map((row) => row.nodeId))].map((nodeId) => this.#deps.fleet.publish(nodeId)));
  }

  #nextChange(): { readonly promise: Promise<void>; readonly stop: () => void } {
    let stop: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      stop = this.#deps.fleet.onChange(() => {
        resolve();
      });
    });
    return {
      promise,
      stop: () => {
        stop();
      },
    };
  }

  async #wait(changed: { readonly promise: Promise<void> }, untilMs: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const sleep = this.#deps.clock.sleep(Math.max(0, untilMs - this.#deps.clock.monotonicMs()), AbortSignal.any([timer.signal, signal]));
    await Promise.race([changed.promise, sleep.catch(() => undefined)]);
    timer.abort();
  }
}

export function setDesired(rows: readonly AssignmentRow[], desired: AssignmentRow['desired']): AssignmentChange['setDesired'] {
  return rows.map((row) => ({ instanceId: row.instanceId, desired }));
}

function maxOf(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const max: Record<string, number> = {};
  for (const timings of all) for (const [name, ms] of Object.entries(timings)) max[name] = Math.max(max[name] ?? 0, ms);
  return max;
}
