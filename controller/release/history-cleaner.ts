import type { AppId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { BuildLogs } from '../build/build-log.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { Store } from '../store/port.ts';

export interface HistoryCleanerDeps {
  readonly store: Pick<Store, 'trimReleases' | 'buildsToTrim' | 'removeBuilds'>;
  readonly logs: Pick<BuildLogs, 'remove'>;
  readonly images: Pick<UnusedImages, 'remove'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

/** The search for unused images reads all images, so it does not run after every push. */
const IMAGES_PAUSE_MS = 10 * 60_000;

/** Limits the history of each app. It runs after a push or a config change, in steps of limited size. */
export class HistoryCleaner {
  readonly #deps: HistoryCleanerDeps;
  #imagesAtMs = -Infinity;

  constructor(deps: HistoryCleanerDeps) {
    this.#deps = deps;
  }

  /** Call this when the app has a new build or release. It works in the background. After a crash, the next push cleans up the rest. */
  grown(appId: AppId): void {
    void this.clean(appId);
  }

  /** Never rejects. */
  async clean(appId: AppId): Promise<void> {
    const { store, logs, log, failpoint, signal } = this.#deps;
    try {
      const removed = await store.trimReleases(appId);
      const builds = await store.buildsToTrim(appId);
      // Files first: if a crash leaves some, the row is still there, and the next run removes them.
      await logs.remove(builds);
      await failpoint('history.outputRemoved');
      if (builds.length > 0) await store.removeBuilds(builds);
      if (removed > 0) await this.#removeImages();
    } catch (error) {
      if (!signal.aborted) log.warn({ appId, err: error }, 'history.not_trimmed');
    }
  }

  async #removeImages(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#imagesAtMs < IMAGES_PAUSE_MS) return;
    this.#imagesAtMs = nowMs;
    await this.#deps.images.remove();
  }
}
