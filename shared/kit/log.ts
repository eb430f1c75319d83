import { pino } from 'pino';

/** Structured logs of the daemons: one JSON line an event on stderr. Field names are the glossary's words. */
export interface Logger {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
  child(fields: object): Logger;
}

/** @param level pino level name, default `info` */
export function createLogger(component: string, level = 'info'): Logger {
  return pino({ name: component, level, base: { component } }, pino.destination({ fd: 2, sync: false }));
}

export const silentLogger: Logger = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: (): Logger => silentLogger,
});
