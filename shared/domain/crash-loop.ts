import { formatDuration, formatRemaining } from '../kit/duration.ts';
import type { Crashes, InstanceState, InstanceStatus } from './instance.ts';

const CRASHES_MIN = 3;
/** After this time without a crash the process is no longer in a loop. Then the agent also resets its count. */
const QUIET_AFTER_MS = 10 * 60_000;
const ENDED: ReadonlySet<InstanceState> = new Set(['stopping', 'stopped', 'failed']);

/** An instance that crashed several times, in any state. */
export interface CrashLoop {
  readonly crashes: number;
  /** From the first crash to the last; absent when the agent does not report it. */
  readonly withinMs?: number | undefined;
  /** Wall clock of the next start while it waits for one. */
  readonly nextStartAtMs?: number | undefined;
}

type Crashed = Pick<InstanceStatus, 'state' | 'restarts' | 'crashes' | 'lastExit' | 'nextStartAtMs'>;

/** Pure: decides whether an instance keeps crashing. Its state cannot show that, because the instance runs between two crashes. */
export function crashLoopOf(
  { state, restarts, crashes, lastExit, nextStartAtMs }: Crashed,
  nowMs: number,
): CrashLoop | undefined {
  // An older agent counts only the restarts of the instance.
  const { count, sinceMs }: Crashes = crashes ?? { count: restarts };
  if (ENDED.has(state) || lastExit === undefined || count < CRASHES_MIN) return undefined;
  if (state !== 'backoff' && nowMs - lastExit.atMs >= QUIET_AFTER_MS) return undefined;
  const withinMs = sinceMs === undefined ? undefined : Math.max(0, lastExit.atMs - sinceMs);
  return { crashes: count, withinMs, nextStartAtMs };
}

interface Moment {
  readonly state: InstanceState | 'unknown';
  readonly startedAtMs?: number | undefined;
  readonly nowMs: number;
}

/** `keeps crashing (5 times in 2 min), next start in 20 s` */
export function sayCrashLoop({ crashes, withinMs, nextStartAtMs }: CrashLoop, moment: Moment): string {
  const within = withinMs === undefined ? '' : ` in ${formatDuration(withinMs)}`;
  return `keeps crashing (${String(crashes)} times${within}), ${sayMoment(moment, nextStartAtMs)}`;
}

function sayMoment({ state, startedAtMs, nowMs }: Moment, nextStartAtMs = 0): string {
  if (state === 'live')
    return startedAtMs === undefined ? 'up again' : `up again for ${formatDuration(nowMs - startedAtMs)}`;
  return nextStartAtMs > nowMs ? `next start in ${formatRemaining(nextStartAtMs - nowMs)}` : 'starting now';
}
