import type { CronEntry } from '../../shared/domain/cron.ts';
import type { NewEvent } from '../../shared/domain/event.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { App } from './apps.ts';
import type { CommandRow } from './commands.ts';

/** A cron entry of the current release of an app, with its state. */
export interface CronJob {
  readonly app: App;
  readonly entry: CronEntry;
  /** For `bash -c`: its own command, or that of its process type. */
  readonly command: string;
  /** Every tick until this moment was decided: it ran, or it was said why not. */
  readonly decidedMs: number;
  /** The owner suspended or resumed it. Undefined: app.json decides. */
  readonly suspended?: boolean | undefined;
}

export interface CronName {
  readonly appId: AppId;
  /** Of the entry. */
  readonly name: string;
}

export interface NewCronRun extends CronName {
  /** Absent: a user started it. */
  readonly tickMs?: number | undefined;
  /** Written together with the run. */
  readonly events: readonly NewEvent[];
}

/** One run of an entry, or a tick that did not run. */
export interface CronRun extends CronName {
  readonly tickMs?: number | undefined;
  readonly atMs: number;
  /** Absent: it did not start. */
  readonly command?: CommandRow | undefined;
  /** Why it did not start. */
  readonly skipped?: Reason | undefined;
}

/** Runs that are kept for each entry. */
export const CRON_RUNS_KEPT = 20;
/** The first bytes of output that the database keeps of each run. */
export const CRON_OUTPUT_BYTES = 64 * 1024;

export function isSuspended({ suspended, entry }: CronJob): boolean {
  return suspended ?? entry.suspended;
}
