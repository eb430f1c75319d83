import type { NewEvent } from '../../shared/domain/event.ts';
import type { Maintenance } from '../../shared/domain/fleet-routes.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { Stopped } from '../../shared/domain/placement.ts';
import type { App, AppLock } from '../domain/apps.ts';

/** The name of the user who asks. Stored with the event. */
export interface LifeChange {
  readonly by: string;
}

export interface StopChange extends LifeChange {
  readonly event: Pick<NewEvent, 'message'> & { readonly kind: 'app.stopped' | 'app.started' };
}

/** Part of the store: decisions about a whole app. Each change writes its event in the same transaction. */
export interface AppLifeStore {
  /**
   * The former name leads to the app for {@link FORMER_NAME_MS}, and no other app can get it in that time. The generation of each node with
   * instances of the app grows. @returns these nodes @throws SLIP_APP_EXISTS, SLIP_APP_NAME_KEPT, SLIP_APP_SAME_NAME
   */
  renameApp(appId: AppId, name: AppName, change: LifeChange): Promise<{ app: App; nodes: readonly NodeId[] }>;
  /** The app that had this name, while the name leads to it. */
  appByFormerName(name: AppName): Promise<App | undefined>;
  /** @param stopped undefined: nothing is stopped */
  setStopped(appId: AppId, stopped: Stopped | undefined, change: StopChange): Promise<App>;
  /**
   * Starts the maintenance of an app, or changes its page. @param maintenance undefined ends it, and removes the page
   * @throws SLIP_MAINTENANCE_PAGES when the pages of all apps would need too many bytes
   */
  setMaintenance(appId: AppId, maintenance: Maintenance | undefined, change: LifeChange): Promise<App>;
  /** Bytes of the page that the owner gave; undefined: there is none. */
  maintenancePageBytes(appId: AppId): Promise<number | undefined>;
  /** @param lock undefined: deploys are allowed */
  setLock(appId: AppId, lock: Omit<AppLock, 'atMs'> | undefined, change: LifeChange): Promise<App>;
}
