import { isDeepStrictEqual } from 'node:util';
import type { Limits } from '../../shared/domain/assignment.ts';
import { checkCeilings } from '../../shared/domain/ceilings.ts';
import type { ProcessType } from '../../shared/domain/names.ts';
import type { LimitSettings } from '../../shared/domain/placement.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import { limitsOf, type AppShape } from '../schedule/demands.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import { checkProcessType } from '../assignments/check-process-type.ts';
import { noteFormation, runningRows, type Asker } from './process-types.ts';
import type { RestartDeps, Restarts } from './restarts.ts';

export interface LimitChangesDeps extends Pick<RestartDeps, 'store' | 'log' | 'signal'> {
  readonly restarts: Restarts;
}

export interface LimitChange {
  readonly type: string;
  /** Null: all limits back to their defaults. */
  readonly limits: LimitSettings | null;
}

const CONTROLLER: Asker = { name: 'controller' };

/** Changes the limits of a process type. The caller holds the app's queue. */
export class LimitChanges {
  readonly #deps: LimitChangesDeps;

  constructor(deps: LimitChangesDeps) {
    this.#deps = deps;
  }

  /**
   * Absent fields stay; null sets a field to its default. New instances replace the old ones. If they do not start, the old
   * limits are back.
   * @throws SLIP_PS_TYPE, SLIP_PS_CEILING, SLIP_PLACE_NO_ROOM, and the failure of an instance
   */
  async set(app: App, by: Asker, change: LimitChange): Promise<void> {
    const { store } = this.#deps;
    const current = await store.currentRelease(app.id);
    const type = checkProcessType(app, current, change.type);
    const before = ownProperty(await store.processSettings(app.id), type)?.limits;
    if (change.limits !== null) checkCeilings(change.limits, before, await store.limitCeilings());
    await store.setProcessSettings(app.id, type, {
      limits: change.limits === null ? null : { ...before, ...change.limits },
    });
    try {
      if (current !== undefined) await this.#rollTo(app, current, type);
    } catch (error) {
      await store.setProcessSettings(app.id, type, { limits: before ?? null });
      if (current !== undefined)
        await this.#rollTo(app, current, type).catch((again: unknown) => this.#failed(app, again));
      throw error;
    }
    const { memoryBytes, cpuMillis } = limitsOf(await store.processSettings(app.id), type);
    const cpu = cpuMillis === 0 ? '' : ` and ${String(cpuMillis / 1000)} CPU`;
    noteFormation(
      this.#deps,
      { app, by },
      {
        kind: 'formation.limits',
        message: `Limited ${type} to ${String(Math.round(memoryBytes / 1024 / 1024))} MB${cpu} each.`,
      },
    );
  }

  /** At start: continues a change that a crash interrupted. Never rejects. @param ready resolves when the nodes are connected */
  async resume(app: App, ready: () => Promise<void>): Promise<void> {
    try {
      await this.#resume(app, ready);
    } catch (error) {
      if (!this.#deps.signal.aborted) this.#failed(app, error);
    }
  }

  async #resume(app: App, ready: () => Promise<void>): Promise<void> {
    const { store, signal } = this.#deps;
    const current = await store.currentRelease(app.id);
    if (current === undefined) return;
    const settings = await store.processSettings(app.id);
    const rows = await runningRows(store, app, current);
    const former = new Map(
      rows.filter((row) => hasFormerLimits(settings, row)).map((row) => [row.processType, row.limits]),
    );
    if (former.size > 0) await ready();
    for (const [type, limits] of former) {
      try {
        await this.#rollTo(app, current, type);
        const message = `The instances of ${type} now have the limits that were set before the controller restarted.`;
        noteFormation(this.#deps, { app, by: CONTROLLER }, { kind: 'formation.limits', message });
      } catch (error) {
        signal.throwIfAborted();
        await this.#revert(app, current, { type, limits });
        const message = `The new limits of ${type} failed, so the old limits are back: ${toSlipwayError(error).message}`;
        noteFormation(this.#deps, { app, by: CONTROLLER }, { kind: 'formation.limits-cancelled', message });
      }
    }
  }

  /** Sets the former limits, and stops the new instances that have other limits. */
  async #revert(
    app: App,
    current: Release,
    { type, limits }: { readonly type: ProcessType; readonly limits: Limits },
  ): Promise<void> {
    const { store, restarts } = this.#deps;
    await store.setProcessSettings(app.id, type, { limits });
    const settings = await store.processSettings(app.id);
    const rows = await runningRows(store, app, current);
    const ids = new Set(rows.map((row) => row.instanceId));
    const copies = rows.filter(({ replaces }) => replaces !== undefined && ids.has(replaces));
    await restarts.retire(app, () =>
      copies.filter((row) => row.processType === type && hasFormerLimits(settings, row)),
    );
    await this.#rollTo(app, current, type);
  }

  /** Replaces the instances whose limits are not those of their process type. */
  async #rollTo(app: App, current: Release, type: ProcessType): Promise<void> {
    const settings = await this.#deps.store.processSettings(app.id);
    await this.#deps.restarts.roll(app, current, (row) => row.processType === type && hasFormerLimits(settings, row));
  }

  #failed(app: App, error: unknown): void {
    this.#deps.log.error({ app: app.name, err: error }, 'limits.not_restored');
  }
}

/** The instance was started before the limits of its process type changed. */
export function hasFormerLimits(settings: AppShape['settings'], { processType, limits }: AssignmentRow): boolean {
  return !isDeepStrictEqual(limitsOf(settings, processType), limitsOf({ [processType]: { limits } }, processType));
}
