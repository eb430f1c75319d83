/**
 * How often agents send heartbeats: what the fleet may send in sum, within bounds. The upper bound is what keeps the time
 * to `unreachable` below 30 s however large the fleet: 3000 nodes send 300 a second, which costs next to nothing.
 */
export interface Pace {
  readonly perSecond: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export const DEFAULT_PACE: Pace = Object.freeze({ perSecond: 50, minMs: 5_000, maxMs: 10_000 });

/** How often one of `nodes` agents sends a heartbeat, ms: clamp(N / 50 s, 5 s, 10 s). */
export function heartbeatIntervalMs(nodes: number, pace: Pace = DEFAULT_PACE): number {
  return Math.min(pace.maxMs, Math.max(pace.minMs, Math.round((nodes / pace.perSecond) * 1000)));
}

/** Silence after which a node is unreachable: `unreachableAfterMs`, but never less than two and a half heartbeats. */
export function silenceLimitMs(unreachableAfterMs: number, intervalMs: number): number {
  return Math.max(unreachableAfterMs, 2.5 * intervalMs);
}
