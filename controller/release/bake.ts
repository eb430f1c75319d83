import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { App, AssignmentRow, Store } from '../store/port.ts';
import { failureOf } from './rollout-plan.ts';
import { NO_CHANGE, setDesired } from './fleet-changes.ts';
import type { Rollouts } from './rollout.ts';

export interface BakeDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly rollouts: Rollouts;
  readonly queue: KeyedQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bakeMs: number;
}

/** After a switch the old instances stay warm for a while; if the new release breaks in that time they take over again. */
export class Bakes {
  readonly #deps: BakeDeps;

  constructor(deps: BakeDeps) {
    this.#deps = deps;
  }

  /** Watches the app's new release for the bake time, then lets the old instances go. Never rejects. */
  async watch(app: App, version: number, signal: AbortSignal): Promise<void> {
    try {
      const untilMs = this.#deps.clock.monotonicMs() + this.#deps.bakeMs;
      const broken = await this.#firstBroken(app, version, { untilMs, signal });
      await this.#deps.queue.run(app.id, () => this.#settle(app, version, { broken, signal }));
    } catch (error) {
      if (!signal.aborted) this.#deps.log.error({ app: app.name, version, error: describeCauses(error) }, 'bake.failed');
    }
  }

  async #firstBroken(app: App, version: number, until: { untilMs: number; signal: AbortSignal }): Promise<AssignmentRow | undefined> {
    for (;;) {
      const wakeUp = new AbortController();
      const stop = this.#deps.fleet.onChange(() => {
        wakeUp.abort();
      });
      try {
        const rows = await this.#deps.store.assignmentsOfApp(app.id);
        const broken = rows.find((row) => row.release === version && this.#isBroken(row));
        const leftMs = until.untilMs - this.#deps.clock.monotonicMs();
        if (broken !== undefined || leftMs <= 0) return broken;
        await this.#deps.clock.sleep(leftMs, AbortSignal.any([wakeUp.signal, until.signal])).catch(() => undefined);
        until.signal.throwIfAborted();
      } finally {
        stop();
      }
    }
  }

  #isBroken(row: AssignmentRow): boolean {
    const status = this.#deps.fleet.status(row.instanceId);
    return (
      status !== undefined && row.desired === 'run' && (status.state === 'backoff' || status.state === 'failed' || status.restarts > 0)
    );
  }

  /** Either the old ones go, or they come back and the release has failed. */
  async #settle(
    app: App,
    version: number,
    end: { readonly broken: AssignmentRow | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const { broken, signal } = end;
    const rows = await this.#deps.store.assignmentsOfApp(app.id);
    const current = await this.#deps.store.currentRelease(app.id);
    if (current?.version !== version) return; // another release has taken over meanwhile
    const warm = rows.filter((row) => row.desired === 'standby' && row.release !== version);
    const previous = warm.length === 0 ? undefined : Math.max(...warm.map((row) => row.release));
    if (broken === undefined || previous === undefined) {
      await this.#deps.store.changeAssignments({ ...NO_CHANGE, setDesired: setDesired(warm, 'stop') });
    } else {
      await this.#rollBack(app, version, { rows, broken, previous, signal });
    }
    await Promise.all([...new Set(rows.map((row) => row.nodeId))].map((nodeId) => this.#deps.fleet.publish(nodeId)));
  }

  async #rollBack(
    app: App,
    version: number,
    found: {
      readonly rows: readonly AssignmentRow[];
      readonly broken: AssignmentRow;
      readonly previous: number;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const status = this.#deps.fleet.status(found.broken.instanceId);
    if (status === undefined) return;
    const { lastLines: _, ...failure } = failureOf(status);
    const mine = found.rows.filter((row) => row.release === version);
    const old = found.rows.filter((row) => row.release === found.previous);
    const change = { ...NO_CHANGE, setDesired: [...setDesired(mine, 'stop'), ...setDesired(old, 'run')] };
    await this.#deps.store.failRelease(app.id, version, failure, change, found.previous);
    await this.#deps.rollouts.syncRef(app, found.signal);
    this.#deps.log.warn({ app: app.name, version, restored: found.previous, code: failure.code }, 'release.rolled-back');
  }
}
