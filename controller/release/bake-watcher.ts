import type { InstanceStatus } from '../../shared/domain/instance.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { watchFleet, type WaitLimits } from '../dispatch/watch-fleet.ts';
import type { App } from '../domain/apps.ts';
import { NO_CHANGE, publishTo, setDesired, statusesOf } from '../assignments/assignment-changes.ts';
import { goBack, type GoBackDeps } from './go-back.ts';
import { failureOf, hasFailed } from '../assignments/instance-failure.ts';
import type { Rollouts } from './rollout.ts';
import type { Switches } from './switches.ts';

export interface BakeWatcherDeps extends GoBackDeps {
  readonly rollouts: Rollouts;
  readonly queue: KeyedQueue;
  readonly log: Logger;
  readonly bakeMs: number;
  /** Counts the failed requests of each deploy, also of the way back. Absent: nothing is counted. */
  readonly switches?: Pick<Switches, 'reportFailed' | 'bakeEnded'> | undefined;
}

/** After a switch the old instances stay ready for the bake time. If the new release fails in that time, they take the traffic back. */
export class BakeWatcher {
  readonly #deps: BakeWatcherDeps;

  constructor(deps: BakeWatcherDeps) {
    this.#deps = deps;
  }

  /** Watches the new release for the bake time, then stops the old instances. Never rejects. */
  async watch(app: App, version: number, signal: AbortSignal): Promise<void> {
    try {
      const untilMs = this.#deps.clock.monotonicMs() + this.#deps.bakeMs;
      const broken = await this.#firstCrash(app, version, { untilMs, signal });
      await this.#deps.queue.enqueue(app.id, () => this.#settle(app, version, { broken, signal }));
    } catch (error) {
      if (!signal.aborted) this.#deps.log.error({ app: app.name, version, err: error }, 'bake.failed');
    }
    await this.#deps.switches?.bakeEnded({ app, version });
  }

  /** The status of the first instance of the release that crashes. */
  async #firstCrash(app: App, version: number, until: WaitLimits): Promise<InstanceStatus | undefined> {
    return await watchFleet(this.#deps, until, async () => {
      const rows = (await this.#deps.store.assignmentsOfApp(app.id)).filter(
        (row) => row.release === version && row.desired === 'run',
      );
      const statuses = [...statusesOf(this.#deps.fleet, rows).values()];
      return statuses.find(hasFailed);
    });
  }

  /** Stops the old instances, or rolls back to them when the new release has failed. */
  async #settle(
    app: App,
    version: number,
    end: { readonly broken: InstanceStatus | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const { store, fleet } = this.#deps;
    const { broken, signal } = end;
    const rows = await store.assignmentsOfApp(app.id);
    const current = await store.currentRelease(app.id);
    if (current?.version !== version) return; // there is a newer release
    const warm = rows.filter((row) => row.desired === 'standby' && row.release !== version);
    if (broken !== undefined && warm.length > 0) {
      await this.#rollBack(app, version, { to: Math.max(...warm.map((row) => row.release)), broken, signal });
      return;
    }
    await store.changeAssignments({ ...NO_CHANGE, setDesired: setDesired(warm, 'stop') });
    await publishTo(fleet, warm);
  }

  async #rollBack(
    app: App,
    version: number,
    back: { readonly to: number; readonly broken: InstanceStatus; readonly signal: AbortSignal },
  ): Promise<void> {
    const { store, rollouts, log } = this.#deps;
    const failure = failureOf(back.broken);
    const serving = await store.release(app.id, back.to);
    await goBack(this.#deps, { app, version, failure, serving, restore: true, signal: back.signal });
    await this.#deps.switches?.reportFailed({ app, version });
    await rollouts.syncRef(app, back.signal);
    log.warn({ app: app.name, version, restored: back.to, code: failure.code }, 'release.rolled_back');
  }
}
