import type { BuildSettings } from '../../shared/domain/build-settings.ts';
import type { AppId } from '../../shared/domain/ids.ts';

/** Part of the store: which folder of an app is built, and by which buildpacks. */
export interface BuildSettingsStore {
  buildSettings(appId: AppId): Promise<BuildSettings>;
  /** Reads, changes and writes in one transaction. @param change pure; what it throws leaves all as it was */
  changeBuildSettings(appId: AppId, change: (now: BuildSettings) => BuildSettings): Promise<BuildSettings>;
}
