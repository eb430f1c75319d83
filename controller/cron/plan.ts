import type { MISSED_POLICIES } from '../../shared/domain/cron.ts';
import { newestTick, nextTick, type Schedule } from '../../shared/domain/cron-schedule.ts';

export interface PlannedEntry extends Schedule {
  readonly key: string;
  /** Every tick until this moment was decided. */
  readonly decidedMs: number;
  readonly missed: (typeof MISSED_POLICIES)[number];
  /** Its ticks are decided, and nothing runs. */
  readonly paused?: 'suspended' | 'stopped' | undefined;
  /** Its last tick waits for a node. */
  readonly waits: boolean;
}

/** The newest tick of an entry, which needs a decision now. */
export interface DueTick {
  readonly key: string;
  readonly tickMs: number;
  /** `skip`: it is too late, and app.json wants no late run. */
  readonly action: 'run' | 'skip' | 'stopped';
  /** Earlier ticks that did not run, at most {@link MISSED_COUNTED_MAX}. With `skip`, this one counts too. */
  readonly missed: number;
  readonly isLate: boolean;
}

export interface CronPlan {
  readonly due: readonly DueTick[];
  /** Entries whose ticks until then need no run. */
  readonly decided: readonly { readonly key: string; readonly decidedMs: number }[];
  /** The clock went back by more than {@link BACK_MAX_MS}. */
  readonly wentBackMs: number;
  /** The next tick of all entries. Undefined: none. */
  readonly wakeAtMs: number | undefined;
}

/** A tick that is decided later than this was missed. */
export const LATE_MS = 60_000;
/** After a larger step back of the clock, entries do not wait until the clock is where it was. */
export const BACK_MAX_MS = 60 * 60_000;
export const MISSED_COUNTED_MAX = 1_000;

/** Pure: which ticks are due now, and when the next one is. Each tick is in the result of at most one call, if its result is stored. */
export function planCron(entries: readonly PlannedEntry[], nowMs: number): CronPlan {
  const plans = entries.map((entry) => planEntry(entry, nowMs));
  const wakes = plans.flatMap(({ wakeAtMs }) => wakeAtMs ?? []);
  return {
    due: plans.flatMap(({ due }) => due ?? []),
    decided: plans.flatMap(({ decided }) => decided ?? []),
    wentBackMs: Math.max(0, ...plans.map(({ wentBackMs }) => wentBackMs ?? 0)),
    wakeAtMs: wakes.length === 0 ? undefined : Math.min(...wakes),
  };
}

interface EntryPlan {
  readonly due?: DueTick;
  readonly decided?: CronPlan['decided'][number];
  readonly wentBackMs?: number;
  readonly wakeAtMs?: number | undefined;
}

function planEntry(entry: PlannedEntry, nowMs: number): EntryPlan {
  const { key, decidedMs, paused, missed: policy } = entry;
  if (decidedMs > nowMs + BACK_MAX_MS)
    return {
      ...{ decided: { key, decidedMs: nowMs }, wentBackMs: decidedMs - nowMs, wakeAtMs: nextTick(entry, nowMs) },
    };
  const first = nextTick(entry, decidedMs);
  if (first === undefined || first > nowMs) return { wakeAtMs: first };
  const { tickMs, count } = newestOf(entry, first, nowMs);
  const wakeAtMs = nextTick(entry, tickMs);
  if (paused === 'suspended') return { decided: { key, decidedMs: tickMs }, wakeAtMs };
  const isLate = nowMs - tickMs > LATE_MS && !entry.waits;
  const due = { key, tickMs, isLate };
  if (paused === 'stopped') return { due: { ...due, action: 'stopped', missed: 0 }, wakeAtMs };
  if (isLate && policy === 'skip') return { due: { ...due, action: 'skip', missed: count }, wakeAtMs };
  return { due: { ...due, action: 'run', missed: count - 1 }, wakeAtMs };
}

/** The newest tick, and the number of ticks since the first one. */
function newestOf(
  schedule: Schedule,
  first: number,
  nowMs: number,
): { readonly tickMs: number; readonly count: number } {
  let [tickMs, count] = [first, 1];
  for (; count < MISSED_COUNTED_MAX; count += 1) {
    const next = nextTick(schedule, tickMs);
    if (next === undefined || next > nowMs) return { tickMs, count };
    tickMs = next;
  }
  return { tickMs: Math.max(tickMs, newestTick(schedule, nowMs) ?? tickMs), count };
}
