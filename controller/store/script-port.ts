import type { NewEvent } from '../../shared/domain/event.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { DueScript } from '../domain/due-scripts.ts';

/** The scripts of app.json that run when a release is live. The store adds them when it makes the release current. */
export interface ScriptStore {
  /** Scripts that have not ended, in the order in which they run. */
  dueScripts(appId: AppId): Promise<readonly DueScript[]>;
  /** The script has ended, or it will not run. @param event is stored with this change */
  endDueScript(script: DueScript, event?: NewEvent): Promise<void>;
  /** Scripts of current releases that failed or that a drain ended. A script that a user stopped is none. Undefined: of all apps. */
  failedScripts(appId?: AppId): Promise<readonly CommandRow[]>;
}
