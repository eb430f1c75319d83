import type { BuildSettings } from '../../shared/domain/build-settings.ts';
import type { AppId } from '../../shared/domain/ids.ts';

/** Part of the store: the build settings of apps. */
export interface BuildSettingsStore {
  buildSettings(appId: AppId): Promise<BuildSettings>;
  /** Reads, changes and writes in one transaction. @param change pure; when it throws, nothing changes */
  changeBuildSettings(appId: AppId, change: (now: BuildSettings) => BuildSettings): Promise<BuildSettings>;
}
