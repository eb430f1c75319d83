import type { Exit, Reason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { FailingCheck } from '../health/check-state.ts';

/** What the agent knows about an instance after a restart of its own. Each record is one small file. */
export interface InstanceRecord {
  /** The gate of the instance has passed at least once. */
  readonly everLive: boolean;
  /** Start time of the process whose gate passed. An adopted process with this start time needs no second gate. */
  readonly liveStartedAtMs?: number | undefined;
  readonly restarts: number;
  /** Crashes since it last ran for `STABLE_AFTER_MS`. The back-off depends on it. */
  readonly crashesInARow: number;
  /** Wall clock time of the first of these crashes; absent in a record of an older agent. */
  readonly crashingSinceMs?: number | undefined;
  readonly lastExit?: Exit | undefined;
  readonly nextStartAtMs?: number | undefined;
  /** Why the instance failed. It is never started again under this id. */
  readonly failure?: Reason | undefined;
  /** Why the last process ended. */
  readonly crash?: Reason | undefined;
  readonly lastLines: readonly string[];
  /** The failing checks of the process with this start time; absent in a record of an older agent. */
  readonly health?: { readonly startedAtMs: number; readonly failing: readonly FailingCheck[] } | undefined;
}

export const NEW_RECORD: InstanceRecord = Object.freeze({
  everLive: false,
  restarts: 0,
  crashesInARow: 0,
  lastLines: [],
});

/** As on Heroku, the first restart is immediate. Each later one waits longer. */
export const RESTART_BACKOFF: BackoffPolicy = Object.freeze({ firstMs: 1000, maxMs: 5 * 60_000, factor: 2 });
/** After a run of this length, earlier crashes do not count. */
export const STABLE_AFTER_MS = 10 * 60_000;

export interface Crash {
  readonly reason: Reason;
  readonly exit: Exit;
  readonly lastLines: readonly string[];
  /** How long the process had run. */
  readonly ranMs: number;
}

/** The record after a crash. An instance that was never live has failed. Others wait for their next start. */
export function afterCrash(
  record: InstanceRecord,
  crash: Crash,
  now: { nowMs: number; random: number },
): InstanceRecord {
  const base = {
    ...record,
    lastExit: crash.exit,
    lastLines: crash.lastLines,
    liveStartedAtMs: undefined,
    health: undefined,
  };
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

/** The record once the gate of the process started at `startedAtMs` has passed. @param failing its checks that have not passed yet */
export function afterGate(
  record: InstanceRecord,
  startedAtMs: number,
  failing: readonly FailingCheck[] = [],
): InstanceRecord {
  return {
    ...record,
    health: failing.length === 0 ? undefined : { startedAtMs, failing },
    everLive: true,
    liveStartedAtMs: startedAtMs,
    nextStartAtMs: undefined,
    crash: undefined,
    lastLines: [],
  };
}
