import type { Exit, Reason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';

/** What the agent must remember of an instance across its own death; one small file each. */
export interface InstanceRecord {
  /** Its gate has passed at least once under this id. */
  readonly everLive: boolean;
  /** Start time of the process whose gate passed: an adopted process with this start time needs no second gate. */
  readonly liveStartedAtMs?: number | undefined;
  readonly restarts: number;
  /** Crashes since it last ran for a good while; drives the back-off. */
  readonly crashesInARow: number;
  /** Wall clock of the first of them; absent in a record of an older agent. */
  readonly crashingSinceMs?: number | undefined;
  readonly lastExit?: Exit | undefined;
  readonly nextStartAtMs?: number | undefined;
  /** Set once and for all when the instance will not be tried again under this id. */
  readonly failure?: Reason | undefined;
  /** Why it is in back-off. */
  readonly crash?: Reason | undefined;
  readonly lastLines: readonly string[];
}

export const NEW_RECORD: InstanceRecord = Object.freeze({
  everLive: false,
  restarts: 0,
  crashesInARow: 0,
  lastLines: [],
});

/** Heroku restarts at once after a first crash; later ones wait, longer each time. */
export const RESTART_BACKOFF: BackoffPolicy = Object.freeze({ firstMs: 1000, maxMs: 5 * 60_000, factor: 2 });
/** A process that ran this long starts with a clean sheet. */
export const STABLE_AFTER_MS = 10 * 60_000;

export interface Crash {
  readonly reason: Reason;
  readonly exit: Exit;
  readonly lastLines: readonly string[];
  /** How long the process had run. */
  readonly ranMs: number;
}

/** The record after a crash: failed for ever if it never was live, else waiting for its next start. */
export function afterCrash(
  record: InstanceRecord,
  crash: Crash,
  now: { nowMs: number; random: number },
): InstanceRecord {
  const base = { ...record, lastExit: crash.exit, lastLines: crash.lastLines, liveStartedAtMs: undefined };
  if (!record.everLive) return { ...base, failure: crash.reason };
  const crashesInARow = crash.ranMs >= STABLE_AFTER_MS ? 1 : record.crashesInARow + 1;
  const delayMs = crashesInARow === 1 ? 0 : backoffDelayMs(RESTART_BACKOFF, crashesInARow - 2, now.random);
  const crashingSinceMs = crashesInARow === 1 ? crash.exit.atMs : record.crashingSinceMs;
  return {
    ...base,
    crashesInARow,
    crashingSinceMs,
    restarts: record.restarts + 1,
    crash: crash.reason,
    nextStartAtMs: now.nowMs + delayMs,
  };
}

/** The record once the gate of the process started at `startedAtMs` has passed. */
export function afterGate(record: InstanceRecord, startedAtMs: number): InstanceRecord {
  return {
    ...record,
    everLive: true,
    liveStartedAtMs: startedAtMs,
    nextStartAtMs: undefined,
    crash: undefined,
    lastLines: [],
  };
}
