import { quoteInput } from '../../shared/domain/names.ts';
import {
  ANYWHERE,
  isStopped,
  parseCount,
  sayStopped,
  wantedCounts,
  type Count,
  type Formation,
  type PlacementRule,
  type Stopped,
} from '../../shared/domain/placement.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { limitsOf } from '../schedule/demands.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import { LimitChanges, type LimitChange } from './limit-changes.ts';
import { changeCounts, type CountDeps } from './change-counts.ts';
import { checkProcessType } from '../assignments/check-process-type.ts';
import { noteFormation, type Asker } from './process-types.ts';
import { Stops, type StopResult } from './stops.ts';

export interface FormationsDeps extends CountDeps {
  /** One per app: changes of its instances and pushes run one after the other. */
  readonly queue: KeyedQueue;
}

/** A change waits for its turn: a deploy of the app may run. */
interface Waits {
  /** Aborts when the user does not wait any more. Then nothing changes, unless its turn has begun. */
  readonly signal?: AbortSignal | undefined;
}

/** A stop or a start. */
export interface StopRequest extends Waits {
  /** Undefined: all process types. */
  readonly type?: string | undefined;
}

export interface ScaleRequest extends Waits {
  /** `{ web: '3', worker: '+1', clock: 'all' }` */
  readonly quantities: Readonly<Record<string, string>>;
}

export interface RestartRequest extends Waits {
  /** A process type (`web`) or one instance (`web.1`). Undefined: all. */
  readonly which?: string | undefined;
}

/** One process type: its count, its limits and its placement rule. */
export interface ProcessPlan {
  readonly type: string;
  readonly count: Count;
  /** Of the current release. Absent before the first release. */
  readonly command?: string | undefined;
  readonly limits: ReturnType<typeof limitsOf>;
  readonly rule: PlacementRule;
  /** `ps:stop` stopped it: no instance runs, whatever the count is. */
  readonly stopped: boolean;
}

/** Changes the count, the placement and the limits of the instances of the current release. This makes no new release. */
export class Formations {
  readonly #deps: FormationsDeps;
  readonly #limits: LimitChanges;
  readonly #stops: Stops;

  constructor(deps: FormationsDeps) {
    this.#deps = deps;
    this.#limits = new LimitChanges(deps);
    this.#stops = new Stops(deps);
  }

  /** The process types of the current release. Before the first release: the types that have settings. */
  async describe(app: App): Promise<readonly ProcessPlan[]> {
    const { store } = this.#deps;
    const [current, formation, settings, now] = await Promise.all([
      store.currentRelease(app.id),
      store.formation(app.id),
      store.processSettings(app.id),
      store.appById(app.id),
    ]);
    const known =
      current?.slug.processTypes ??
      Object.fromEntries([...Object.keys(formation), ...Object.keys(settings)].map((type) => [type, '']));
    return Object.entries(wantedCounts(known, formation))
      .sort(([a], [b]) => Number(b === 'web') - Number(a === 'web') || (a < b ? -1 : 1))
      .map(([type, count]) => ({
        type,
        count,
        ...(current === undefined ? {} : { command: current.slug.processTypes[type] }),
        limits: limitsOf(settings, type),
        rule: ownProperty(settings, type)?.placement ?? ANYWHERE,
        stopped: isStopped(now?.stopped, type),
      }));
  }

  /**
   * Fails at once, without a change, if an additional instance cannot be placed. Surplus instances with the highest numbers drain and stop.
   * @throws SLIP_PS_TYPE, SLIP_PS_QUANTITY, SLIP_PLACE_NO_ROOM, SLIP_PS_NOT_WAITED
   */
  scale(app: App, by: Asker, { quantities, signal }: ScaleRequest): Promise<Formation> {
    return this.#inTurn(app, { signal }, async () => {
      const { store } = this.#deps;
      const current = await store.currentRelease(app.id);
      const formation = await store.formation(app.id);
      for (const type of Object.keys(quantities)) checkProcessType(app, current, type);
      const now = wantedCounts(
        current?.slug.processTypes ?? Object.fromEntries(Object.keys(quantities).map((type) => [type, ''])),
        formation,
      );
      const wanted = Object.fromEntries(
        Object.entries(quantities).map(([type, text]) => [type, parseCount(text, ownProperty(now, type) ?? 0)]),
      );
      if (current === undefined) await store.setFormation(app.id, wanted);
      else {
        const stopped = (await store.appById(app.id))?.stopped;
        const runs = Object.entries(wanted).map(([type, count]): [string, Count] => [
          type,
          isStopped(stopped, type) ? 0 : count,
        ]);
        await changeCounts(
          this.#deps,
          { app, current },
          {
            wanted: Object.fromEntries(runs),
            now,
            save: () => store.setFormation(app.id, wanted),
          },
        );
      }
      const counts = Object.entries(wanted).map(([type, count]) => `${type} to ${String(count)}`);
      noteFormation(this.#deps, { app, by }, { kind: 'formation.scaled', message: `Scaled ${counts.join(', ')}.` });
      return wanted;
    });
  }

  /**
   * Sets limits of a process type. Absent fields stay; null sets a field to its default. New instances replace the old ones. If
   * they do not start, the old limits are back.
   * @throws SLIP_PS_TYPE, SLIP_PLACE_NO_ROOM, SLIP_PS_NOT_WAITED, and the failure of an instance
   */
  setLimits(app: App, by: Asker, { signal, ...change }: LimitChange & Waits): Promise<void> {
    return this.#inTurn(app, { signal }, () => this.#limits.set(app, by, change));
  }

  /** Stops all process types of an app, or one. See {@link Stops}. */
  stop(app: App, by: Asker, request: StopRequest): Promise<StopResult> {
    return this.#inTurn(app, request, () => this.#stops.stop(app, by, request.type));
  }

  start(app: App, by: Asker, request: StopRequest): Promise<StopResult> {
    return this.#inTurn(app, request, () => this.#stops.start(app, by, request.type));
  }

  /** A deploy can take long. A user who does not wait for its end any more does not expect that the app changes later. */
  #inTurn<T>(app: App, { signal }: Waits, work: () => Promise<T>): Promise<T> {
    return this.#deps.queue.enqueue(app.id, () => (signal?.aborted === true ? Promise.reject(notWaited(app)) : work()));
  }

  /** At start: continues changes of limits that a crash interrupted. @param ready resolves when the nodes are connected */
  async resume(apps: readonly App[], ready: () => Promise<void>): Promise<void> {
    // The queue of an app that is destroyed meanwhile takes no work. The other apps still continue.
    await Promise.allSettled(
      apps.map((app) => this.#deps.queue.enqueue(app.id, () => this.#limits.resume(app, ready))),
    );
  }

  /** A change of the app is running or waiting. */
  busy(app: App): boolean {
    return this.#deps.queue.busy(app.id);
  }

  /**
   * Sets the placement rule of a process type. It applies to new instances; nothing moves now. It does not wait for the queue,
   * so a push that waits for room can use the new rule. @throws SLIP_PS_TYPE
   */
  async setPlacement(
    app: App,
    by: Asker,
    change: { readonly type: string; readonly rule: Partial<PlacementRule> | null },
  ): Promise<void> {
    const { store } = this.#deps;
    const type = checkProcessType(app, await store.currentRelease(app.id), change.type);
    const before = ownProperty(await store.processSettings(app.id), type)?.placement ?? ANYWHERE;
    await store.setProcessSettings(app.id, type, {
      placement: change.rule === null ? null : { ...before, ...change.rule },
    });
    noteFormation(
      this.#deps,
      { app, by },
      { kind: 'formation.placement', message: `${change.rule === null ? 'Cleared' : 'Set'} where ${type} may run.` },
    );
  }

  /** @returns how many instances @throws SLIP_PS_NONE, SLIP_PLACE_NO_ROOM, SLIP_PS_NOT_WAITED */
  restart(app: App, by: Asker, { which, signal }: RestartRequest): Promise<number> {
    return this.#inTurn(app, { signal }, async () => {
      const { store, restarts } = this.#deps;
      const current = await store.currentRelease(app.id);
      const isMeant = (row: AssignmentRow): boolean =>
        which === undefined || which === row.processType || which === `${row.processType}.${String(row.ordinal)}`;
      const count = current === undefined ? 0 : await restarts.roll(app, current, isMeant);
      if (count === 0) throw noInstance(app, which, (await store.appById(app.id))?.stopped);
      noteFormation(
        this.#deps,
        { app, by },
        { kind: 'formation.restarted', message: `Restarted ${which ?? 'all instances'}.` },
      );
      return count;
    });
  }
}

function noInstance(app: App, which: string | undefined, stopped: Stopped | undefined): SlipwayError {
  const hint = stopped === undefined ? `See what runs with: slipway ps -a ${app.name}` : undefined;
  return new SlipwayError({
    code: 'SLIP_PS_NONE',
    message: `${app.name} has no running instance${which === undefined ? '' : ` ${quoteInput(which)}`} to restart.`,
    hint: hint ?? `${sayStopped(stopped ?? 'all', app.name)}. Start it with: slipway ps:start -a ${app.name}`,
    httpStatus: 422,
  });
}

function notWaited({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PS_NOT_WAITED',
    kind: 'conflict',
    message: `The caller disconnected before it was its turn, so nothing of ${name} was changed.`,
    hint: `See what it waited for: slipway deploy:status -a ${name}`,
  });
}
