import type { AppId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';

export interface LogQuery {
  /** An id and not a name, because a later app can get the same name. */
  readonly appId: AppId;
  /** Only this process (`web.1`) or type (`web`); all when absent. */
  readonly process?: string | undefined;
  /** Only lines of the app, or only lines of the router and the platform; all when absent. */
  readonly source?: LogLine['source'] | undefined;
  /** Number of past lines. */
  readonly lines: number;
  readonly follow: boolean;
}

/** Reads the files of the rotating loggers. Only the past lines of a query are in memory. */
export interface Logs {
  query(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** The last lines of an instance's output, for the message of a failure. */
  lastLines(instanceId: string, count: number): Promise<readonly string[]>;
  /** Writes a line of the platform about an instance, for example "State changed from starting to up". */
  write(appId: AppId, process: string, message: string): Promise<void>;
  /** Whether the platform has lines about this app. */
  hasLines(appId: AppId): Promise<boolean>;
  /** Removes the lines of the platform about this app. */
  removeLines(appId: AppId): Promise<void>;
}
