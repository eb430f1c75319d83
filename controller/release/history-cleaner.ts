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

/** The search for unused images looks at all images, so it does not follow each push. */
const IMAGES_PAUSE_MS = 10 * 60_000;

/** Keeps the history of each app at a limited length. It works after a push or a new config, in steps of a limited size. */
export class HistoryCleaner {
  readonly #deps: HistoryCleanerDeps;
  #imagesAtMs = -Infinity;

  constructor(deps: HistoryCleanerDeps) {
    this.#deps = deps;
  }

  /** The app has a new build or release. Nothing waits for the work; what a crash or an error leaves is removed after the next push. */
  grown(appId: AppId): void {
    void this.clean(appId);
  }

  /** Never rejects. */
  async clean(appId: AppId): Promise<void> {
    const { store, logs, log, failpoint, signal } = this.#deps;
    try {
      const removed = await store.trimReleases(appId);
      const builds = await store.buildsToTrim(appId);
      // The output goes first: as long as the row is there, the next step finds an output that a crash left.
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
