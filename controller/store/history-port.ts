import type { AppId, BuildId } from '../../shared/domain/ids.ts';

/** Part of the store: the history of an app stays at a limited length. Each method looks at a limited number of rows and removes 50 at most. */
export interface HistoryStore {
  /** Removes old releases that nothing needs. @returns how many */
  trimReleases(appId: AppId): Promise<number>;
  /** Old builds that nothing needs, oldest first: remove their output, then call {@link removeBuilds}. */
  buildsToTrim(appId: AppId): Promise<readonly BuildId[]>;
  /** Builds that are needed by now stay. */
  removeBuilds(ids: readonly BuildId[]): Promise<void>;
}
