import { pino } from 'pino';
import { describeCauses } from './errors.ts';

/** `area.event_name`, in snake case after the point; `test/unit/tidy.test.ts` checks the letters. */
export type LogEvent = `${string}.${string}`;

/** An error has one key: `err`. The logger writes its chain of messages. */
export interface LogFields {
  readonly [name: string]: unknown;
  readonly err?: unknown;
  readonly error?: never;
  readonly cause?: never;
  readonly problem?: never;
}

/** Structured logs of the daemons: each event is one JSON line on stderr. Field names come from the glossary. */
export interface Logger {
  debug(fields: LogFields, event: LogEvent): void;
  info(fields: LogFields, event: LogEvent): void;
  warn(fields: LogFields, event: LogEvent): void;
  error(fields: LogFields, event: LogEvent): void;
  child(fields: object): Logger;
}

/** @param level pino level name, default `info` */
export function createLogger(component: string, level = 'info'): Logger {
  return pino(
    { name: component, level, base: { component }, serializers: { err: describeCauses } },
    pino.destination({ fd: 2, sync: false }),
  );
}

export const silentLogger: Logger = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: (): Logger => silentLogger,
});
