import type { AppId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { BuildLogs } from '../build/build-log.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { Store } from '../store/port.ts';

export interface HistoryCleanerDeps {
  readonly store: Pick<Store, 'trimReleases' | 'removeSlugs' | 'keptCommits' | 'buildsToTrim' | 'removeBuilds'>;
  readonly logs: Pick<BuildLogs, 'remove'>;
  readonly images: Pick<UnusedImages, 'remove'>;
  /** Keeps these commits in the repository of the app, whatever its branches are. */
  readonly keepCommits: (appId: AppId, commits: ReadonlySet<string>) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

const IMAGES_PAUSE_MIN_MS = 60_000;
const IMAGES_PAUSE_MAX_MS = 10 * 60_000;

/**
 * A removal of images reads the names of all images, so it does not run after every push. It takes about 1 % of the time, however many
 * apps there are.
 */
export function imagesPauseMs(removalTookMs: number): number {
  return Math.min(Math.max(removalTookMs * 100, IMAGES_PAUSE_MIN_MS), IMAGES_PAUSE_MAX_MS);
}

/** Limits the history of each app. It runs after a push or a config change, in steps of limited size. */
export class HistoryCleaner {
  readonly #deps: HistoryCleanerDeps;
  /** The earliest time of the next removal of images. Monotonic. */
  #imagesFromMs = -Infinity;
  #isDue = false;
  /** At first true: a former run of the controller may have ended between the rows and the files. */
  #mayBeUnused = true;
  readonly #turns = new KeyedQueue();

  constructor(deps: HistoryCleanerDeps) {
    this.#deps = deps;
  }

  /**
   * Call this when the app has a new build or release. It works in the background. After a crash, the next push cleans up the rest.
   * @param removed number of slugs that the caller removed from the database
   */
  grown(appId: AppId, removed = 0): void {
    if (removed > 0) this.#mayBeUnused = true;
    void this.clean(appId);
  }

  /** Never rejects. One clean-up of an app runs after the other. */
  clean(appId: AppId): Promise<void> {
    return this.#turns.enqueue(appId, () => this.#cleanNow(appId));
  }

  async #cleanNow(appId: AppId): Promise<void> {
    const { store, logs, log, failpoint, signal } = this.#deps;
    try {
      const removed = (await store.trimReleases(appId)) + (await store.removeSlugs(appId));
      if (removed > 0) this.#mayBeUnused = true;
      await failpoint('history.slugsRemoved');
      await this.#deps.keepCommits(appId, await store.keptCommits(appId));
      const builds = await store.buildsToTrim(appId);
      // Files first: if a crash leaves some, the row is still there, and the next run removes them.
      await logs.remove(builds);
      await failpoint('history.outputRemoved');
      if (builds.length > 0) await store.removeBuilds(builds);
      if (this.#mayBeUnused) this.#removeImagesLater();
    } catch (error) {
      if (!signal.aborted) log.warn({ appId, err: error }, 'history.not_trimmed');
    }
  }

  /** At once, or when the pause after the last removal is over. */
  #removeImagesLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { clock } = this.#deps;
    const pauseMs = this.#imagesFromMs - clock.monotonicMs();
    if (pauseMs > 0) callAfter(clock, pauseMs, () => void (this.#deps.signal.aborted || this.#removeImages()));
    else void this.#removeImages();
  }

  /** Never rejects. */
  async #removeImages(): Promise<void> {
    const { clock, images, log, failpoint, signal } = this.#deps;
    this.#isDue = false;
    const startedAtMs = clock.monotonicMs();
    this.#imagesFromMs = startedAtMs + IMAGES_PAUSE_MIN_MS;
    try {
      await failpoint('images.removing');
      this.#mayBeUnused = false;
      const removed = await images.remove();
      const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (removed.length > 0) log.info({ images: removed.length, bytes }, 'images.removed');
    } catch (error) {
      this.#mayBeUnused = true;
      if (!signal.aborted) log.warn({ err: error }, 'images.not_removed');
    }
    const endedAtMs = clock.monotonicMs();
    this.#imagesFromMs = endedAtMs + imagesPauseMs(endedAtMs - startedAtMs);
  }
}
