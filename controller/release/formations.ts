import { isDeepStrictEqual } from 'node:util';
import type { Limits } from '../../shared/domain/assignment.ts';
import { parseProcessType, quoteInput, type ProcessType } from '../../shared/domain/names.ts';
import {
  ANYWHERE,
  parseCount,
  wantedCounts,
  type Count,
  type Formation,
  type LimitSettings,
  type PlacementRule,
} from '../../shared/domain/placement.ts';
import { describeCauses, SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { demandsOf, limitsOf, type AppShape } from '../schedule/demands.ts';
import { planPlacements, surplus, type Placement } from '../schedule/plan.ts';
import { noteEvent } from '../store/note-event.ts';
import type { App, AssignmentRow, Release } from '../store/port.ts';
import { assignmentRows } from './fleet-changes.ts';
import { appShape, planNodes } from './placing.ts';
import type { Restarts, RestartDeps } from './restarts.ts';
import { noRoom } from './rollout-plan.ts';

export interface FormationsDeps extends RestartDeps {
  readonly restarts: Restarts;
  /** One per app: what changes its instances takes turns with pushes. */
  readonly queue: KeyedQueue;
  readonly log: Logger;
}

/** Who asks, for the record. */
export interface Asker {
  readonly name: string;
}

/** One process type: how many are wanted, what each may use, where they may go. */
export interface ProcessPlan {
  readonly type: string;
  readonly count: Count;
  /** Of the current release; absent before the first. */
  readonly command?: string | undefined;
  readonly limits: ReturnType<typeof limitsOf>;
  readonly rule: PlacementRule;
}

/** Changes how many instances of the current release run, where, and with what; none of it is a release. */
export class Formations {
  readonly #deps: FormationsDeps;

  constructor(deps: FormationsDeps) {
    this.#deps = deps;
  }

  /** Every process type of the current release, and before the first those that somebody has said something about. */
  async describe(app: App): Promise<readonly ProcessPlan[]> {
    const { store } = this.#deps;
    const [current, formation, settings] = await Promise.all([
      store.currentRelease(app.id),
      store.formation(app.id),
      store.processSettings(app.id),
    ]);
    const known =
      current?.slug.processTypes ?? Object.fromEntries([...Object.keys(formation), ...Object.keys(settings)].map((type) => [type, '']));
    return Object.entries(wantedCounts(known, formation))
      .sort(([a], [b]) => Number(b === 'web') - Number(a === 'web') || (a < b ? -1 : 1))
      .map(([type, count]) => ({
        ...{ type, count },
        ...(current === undefined ? {} : { command: current.slug.processTypes[type] }),
        limits: limitsOf(settings, type),
        rule: settings[type]?.placement ?? ANYWHERE,
      }));
  }

  /**
   * `{ web: '3', worker: '+1', clock: 'all' }`. Says at once when something cannot be placed, and then changes nothing.
   * New instances get their traffic after their gate; of what is too many the highest numbers drain and end.
   * @throws SLIP_PS_TYPE, SLIP_PS_QUANTITY, SLIP_PLACE_NO_ROOM
   */
  scale(app: App, by: Asker, quantities: Readonly<Record<string, string>>): Promise<Formation> {
    return this.#deps.queue.run(app.id, async () => {
      const { store } = this.#deps;
      const current = await store.currentRelease(app.id);
      const formation = await store.formation(app.id);
      for (const type of Object.keys(quantities)) checkType(app, current, type);
      const now = wantedCounts(
        current?.slug.processTypes ?? Object.fromEntries(Object.keys(quantities).map((type) => [type, ''])),
        formation,
      );
      const wanted = Object.fromEntries(Object.entries(quantities).map(([type, text]) => [type, parseCount(text, now[type] ?? 0)]));
      if (current === undefined) await store.setFormation(app.id, wanted);
      else await this.#apply(app, current, wanted);
      const words = Object.entries(wanted).map(([type, count]) => `${type} to ${String(count)}`);
      this.#note(app, by, { kind: 'formation.scaled', message: `Scaled ${words.join(', ')}.` });
      return wanted;
    });
  }

  async #apply(app: App, current: Release, wanted: Formation): Promise<void> {
    const { store, fleet, restarts } = this.#deps;
    const shape = await appShape(store, app.id, current.slug);
    const next: AppShape = { ...shape, formation: { ...shape.formation, ...wanted } };
    const rows = await this.#running(app, current);
    const isLive = (row: AssignmentRow): boolean =>
      fleet.node(row.nodeId)?.connected === true && fleet.status(row.instanceId)?.state === 'live';
    const leaving = tooMany(rows, wanted, isLive);
    const { placements, unplaced } = planPlacements({
      demands: demandsOf(next).filter((demand) => demand.processType in wanted),
      nodes: await planNodes(store, fleet),
      placed: rows.filter((row) => !leaving.includes(row)),
      former: [],
    });
    if (unplaced[0] !== undefined) throw new SlipwayError({ ...noRoom(unplaced[0]), httpStatus: 422 });
    await store.setFormation(app.id, wanted);
    const add = assignmentRows(this.#deps, { app, version: current.version, settings: shape.settings }, placements);
    await restarts.retire(app, leaving, add);
  }

  /**
   * Limits of a process type: absent fields stay, null takes one back to its default. Its instances are replaced by ones with
   * the new limits, start-first; when those do not come up, all is as before.
   * @throws SLIP_PS_TYPE, SLIP_PLACE_NO_ROOM, and why an instance did not come up
   */
  setLimits(app: App, by: Asker, of: { readonly type: string; readonly limits: LimitSettings | null }): Promise<void> {
    return this.#deps.queue.run(app.id, async () => {
      const { store } = this.#deps;
      const current = await store.currentRelease(app.id);
      const type = checkType(app, current, of.type);
      const before = (await store.processSettings(app.id))[type]?.limits;
      await store.setProcessSettings(app.id, type, { limits: of.limits === null ? null : { ...before, ...of.limits } });
      try {
        if (current !== undefined) await this.#rollTo(app, current, type);
      } catch (error) {
        await store.setProcessSettings(app.id, type, { limits: before ?? null });
        if (current !== undefined) await this.#rollTo(app, current, type).catch((again: unknown) => this.#failed(app, again));
        throw error;
      }
      const { memoryBytes, cpuMillis } = limitsOf(await store.processSettings(app.id), type);
      const cpu = cpuMillis === 0 ? '' : ` and ${String(cpuMillis / 1000)} CPU`;
      this.#note(app, by, {
        kind: 'formation.limits',
        message: `Limited ${type} to ${String(Math.round(memoryBytes / 1024 / 1024))} MB${cpu} each.`,
      });
    });
  }

  /** Replaces the instances whose limits are not those of their process type. */
  async #rollTo(app: App, current: Release, type: ProcessType): Promise<void> {
    const settings = await this.#deps.store.processSettings(app.id);
    await this.#deps.restarts.roll(app, current, (row) => row.processType === type && hasFormerLimits(settings, row));
  }

  #failed(app: App, error: unknown): void {
    this.#deps.log.error({ app: app.name, error: describeCauses(error) }, 'limits.not-restored');
  }

  /** Something of the app is being changed, or waits for that. */
  busy(app: App): boolean {
    return this.#deps.queue.busy(app.id);
  }

  /** At start: changes of limits that a crash cut short go on. @param ready resolves when the nodes are back */
  async resume(apps: readonly App[], ready: () => Promise<void>): Promise<void> {
    const each = apps.map((app) => this.#deps.queue.run(app.id, () => this.#resumeLimits(app, ready)));
    for (const [at, end] of (await Promise.allSettled(each)).entries()) {
      const [app] = apps.slice(at);
      if (end.status === 'rejected' && app !== undefined && !this.#deps.signal.aborted) this.#failed(app, end.reason);
    }
  }

  async #resumeLimits(app: App, ready: () => Promise<void>): Promise<void> {
    const { store, signal } = this.#deps;
    const current = await store.currentRelease(app.id);
    if (current === undefined) return;
    const settings = await store.processSettings(app.id);
    const rows = await this.#running(app, current);
    const former = new Map(rows.filter((row) => hasFormerLimits(settings, row)).map((row) => [row.processType, row.limits]));
    if (former.size > 0) await ready();
    for (const [type, limits] of former) {
      try {
        await this.#rollTo(app, current, type);
        const message = `The instances of ${type} have the limits that were asked for before the controller was restarted.`;
        this.#note(app, CONTROLLER, { kind: 'formation.limits', message });
      } catch (error) {
        signal.throwIfAborted();
        await this.#giveUp(app, current, { type, limits });
        const message = `The new limits of ${type} are given up, the former ones are back: ${toSlipwayError(error).message}`;
        this.#note(app, CONTROLLER, { kind: 'formation.limits-cancelled', message });
      }
    }
  }

  /** Back to former limits; a copy that was about to take the place of one that still has them ends. */
  async #giveUp(app: App, current: Release, { type, limits }: { readonly type: ProcessType; readonly limits: Limits }): Promise<void> {
    const { store, restarts } = this.#deps;
    await store.setProcessSettings(app.id, type, { limits });
    const settings = await store.processSettings(app.id);
    const rows = await this.#running(app, current);
    const ids = new Set(rows.map((row) => row.instanceId));
    const copies = rows.filter(({ replaces }) => replaces !== undefined && ids.has(replaces));
    await restarts.retire(
      app,
      copies.filter((row) => row.processType === type && hasFormerLimits(settings, row)),
    );
    await this.#rollTo(app, current, type);
  }

  async #running(app: App, current: Release): Promise<readonly AssignmentRow[]> {
    const rows = await this.#deps.store.assignmentsOfApp(app.id);
    return rows.filter((row) => row.release === current.version && row.desired === 'run');
  }

  /**
   * Where a process type may go, from the next instance on: nothing moves now. It takes no turn, so that a push that waits for
   * room hears of it. @throws SLIP_PS_TYPE
   */
  async setPlacement(app: App, by: Asker, of: { readonly type: string; readonly rule: Partial<PlacementRule> | null }): Promise<void> {
    const { store } = this.#deps;
    const type = checkType(app, await store.currentRelease(app.id), of.type);
    const before = (await store.processSettings(app.id))[type]?.placement ?? ANYWHERE;
    await store.setProcessSettings(app.id, type, { placement: of.rule === null ? null : { ...before, ...of.rule } });
    this.#note(app, by, { kind: 'formation.placement', message: `${of.rule === null ? 'Cleared' : 'Set'} where ${type} may run.` });
  }

  /** All instances, those of a type (`web`), or one (`web.1`). @returns how many. @throws SLIP_PS_NONE, SLIP_PLACE_NO_ROOM */
  restart(app: App, by: Asker, which: string | undefined): Promise<number> {
    return this.#deps.queue.run(app.id, async () => {
      const { store, restarts } = this.#deps;
      const current = await store.currentRelease(app.id);
      const isMeant = (row: AssignmentRow): boolean =>
        which === undefined || which === row.processType || which === `${row.processType}.${String(row.ordinal)}`;
      const count = current === undefined ? 0 : await restarts.roll(app, current, isMeant);
      if (count === 0) throw noneThere(app, which);
      this.#note(app, by, { kind: 'formation.restarted', message: `Restarted ${which ?? 'all instances'}.` });
      return count;
    });
  }

  #note(app: App, by: Asker, what: { readonly kind: string; readonly message: string }): void {
    noteEvent(this.#deps, { ...what, app: app.name, actor: by.name, next: `slipway ps -a ${app.name}` });
  }
}

const CONTROLLER: Asker = { name: 'controller' };

/** It was started before the limits of its process type were changed. */
export function hasFormerLimits(settings: AppShape['settings'], { processType, limits }: AssignmentRow): boolean {
  return !isDeepStrictEqual(limitsOf(settings, processType), limitsOf({ [processType]: { limits } }, processType));
}

/** Beyond the wanted count the highest numbers that can be spared, the mover ends the others later; of `all` the second one on a node. */
function tooMany(rows: readonly AssignmentRow[], wanted: Formation, isLive: (row: AssignmentRow) => boolean): readonly AssignmentRow[] {
  const seen = new Set<string>();
  const mine = rows.filter((row) => row.processType in wanted).sort((a, b) => a.ordinal - b.ordinal);
  const doubles = mine.filter((row: Placement) => {
    const key = `${row.processType} ${row.nodeId}`;
    const isDouble = wanted[row.processType] === 'all' && seen.has(key);
    seen.add(key);
    return isDouble;
  });
  return [...surplus(mine, wanted, isLive), ...doubles];
}

/** Before the first release any name will do: it is remembered. */
function checkType(app: App, current: Release | undefined, type: string): ProcessType {
  if (current === undefined) return parseProcessType(type);
  const types = Object.keys(current.slug.processTypes).filter((each) => each !== 'release');
  if (types.includes(type)) return parseProcessType(type);
  throw new SlipwayError({
    code: 'SLIP_PS_TYPE',
    message: `${app.name} has no process type ${quoteInput(type)}.`,
    hint: `Its Procfile declares: ${types.join(', ')}.`,
    httpStatus: 422,
  });
}

function noneThere(app: App, which: string | undefined): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PS_NONE',
    message: `${app.name} runs ${which === undefined ? 'nothing' : `no ${quoteInput(which)}`} that could be restarted.`,
    hint: `See what runs with: slipway ps -a ${app.name}`,
    httpStatus: 422,
  });
}
