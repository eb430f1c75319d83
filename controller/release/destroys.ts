import type { AppId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { App } from '../domain/apps.ts';
import type { Store } from '../store/port.ts';
import { appDestroyed, type AppLifetimes } from './app-lifetimes.ts';

export interface DestroysDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly lifetimes: AppLifetimes;
  /** One per app: the destroy waits for the step that runs now. */
  readonly queue: KeyedQueue;
  /** Removes the repository of an app. */
  readonly removeRepository: (appId: AppId) => Promise<void>;
  /** Removes the build output and the images that no app uses any more. */
  readonly removeUnused: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 60_000;

/** Destroys apps. One transaction removes the app. The clean-up of its files follows, also after a crash. */
export class Destroys {
  readonly #deps: DestroysDeps;

  constructor(deps: DestroysDeps) {
    this.#deps = deps;
  }

  /** Ends the builds and deploys of the app first. @throws SLIP_APP_DESTROYED if another request destroyed it already */
  async destroy(app: App, by: UserName): Promise<void> {
    const { lifetimes, queue, store, fleet, failpoint } = this.#deps;
    lifetimes.end(app.id, appDestroyed(app.name));
    const nodes = await queue
      .enqueue(app.id, () => this.#end(app, by), 'end')
      .catch((error: unknown) => {
        lifetimes.undo(app.id);
        throw error;
      });
    if (nodes === undefined) throw appDestroyed(app.name);
    await failpoint('app.destroyed');
    await Promise.all(nodes.map((node) => fleet.publish(node)));
    const rest = await store.destroyedWithFiles();
    if (rest.length > 0) void this.clean();
  }

  /** The proxies of other nodes stop sending requests to the app before its instances are told to stop. */
  async #end(app: App, by: UserName): ReturnType<Store['destroyApp']> {
    const { store, fleet, signal } = this.#deps;
    const rows = await store.assignmentsOfApp(app.id);
    const leaving = rows.map((row) => row.instanceId);
    if (leaving.length > 0) await fleet.routesApplied(app.id, signal, leaving);
    await this.#deps.failpoint('app.ending');
    return await store.destroyApp(app.id, by);
  }

  /** Removes the files of destroyed apps. Also called at each start. Never rejects. It tries again after a failure. */
  async clean(): Promise<void> {
    const { store, lifetimes, log, clock, signal } = this.#deps;
    try {
      const apps = await store.destroyedWithFiles();
      if (apps.length === 0) return;
      await Promise.all(apps.map((appId) => lifetimes.idle(appId)));
      for (const appId of apps) await this.#deps.removeRepository(appId);
      await this.#deps.failpoint('app.filesRemoved');
      await this.#deps.removeUnused();
      for (const appId of apps) await store.destroyedFilesGone(appId);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'app.files_not_removed');
      callAfter(clock, RETRY_MS, () => void this.clean());
    }
  }
}
