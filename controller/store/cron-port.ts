import type { AppId } from '../../shared/domain/ids.ts';
import type { NewEvent } from '../../shared/domain/event.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { CommandRow, NewCommand } from '../domain/commands.ts';
import type { CronJob, CronName, CronRun, NewCronRun } from '../domain/cron.ts';

export interface CronStore {
  /**
   * The cron entries of all current releases. A new entry, one that returns, and one whose schedule changed has no ticks before now.
   * Any other entry keeps its state, whatever the release.
   */
  readCronJobs(): Promise<readonly CronJob[]>;
  cronJobsOfApp(appId: AppId): Promise<readonly CronJob[]>;
  /** Ticks before a resumption do not run. @param event written in the same transaction */
  setCronSuspended(entry: CronName, suspended: boolean, event: NewEvent): Promise<void>;
  /** Ticks until this moment need no run. */
  setCronDecided(entries: readonly (CronName & { readonly decidedMs: number })[]): Promise<void>;
  /**
   * Records a run and its command in one transaction. Its tick is decided then.
   * @throws SLIP_CRON_TICK when the tick has a run already
   */
  createCronRun(run: NewCronRun, command: NewCommand): Promise<CommandRow>;
  /** Records why a tick does not run, if it has no run. When the run before it was skipped for the same reason, no event is written. */
  skipCronTick(run: NewCronRun & { readonly tickMs: number }, why: Reason): Promise<void>;
  /** Commands of the entry that have not ended, oldest first. */
  runningCron(entry: CronName): Promise<readonly CommandRow[]>;
  /** Newest first. */
  cronRuns(
    appId: AppId,
    query: { readonly name?: string | undefined; readonly limit: number },
  ): Promise<readonly CronRun[]>;
  /** The newest ended runs of entries, where these runs failed. Undefined: of all apps. */
  failedCron(appId?: AppId): Promise<readonly CommandRow[]>;
}
