import type { AppId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';

export interface LogQuery {
  /** Never its name: a later app may get the same name. */
  readonly appId: AppId;
  /** Only this process (`web.1`) or type (`web`); all when absent. */
  readonly process?: string | undefined;
  /** Only lines of the app itself, or only those of router and platform; all when absent. */
  readonly source?: LogLine['source'] | undefined;
  /** How many past lines. */
  readonly lines: number;
  readonly follow: boolean;
}

/** Reads what the rotating loggers wrote; nothing is held in memory but the query's tail. */
export interface Logs {
  query(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** The last lines of one instance's own output, for a failure's message. */
  lastLines(instanceId: string, count: number): Promise<readonly string[]>;
  /** A line of the platform about an app's instance, e.g. "State changed from starting to up". */
  write(appId: AppId, process: string, message: string): Promise<void>;
  /** Whether there are lines of the platform about this app. */
  hasLines(appId: AppId): Promise<boolean>;
  /** Removes them. */
  removeLines(appId: AppId): Promise<void>;
}
