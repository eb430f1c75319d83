/** How often agents send heartbeats: what the fleet may send in sum, within bounds. */
export interface Pace {
  readonly perSecond: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export const DEFAULT_PACE: Pace = Object.freeze({ perSecond: 50, minMs: 5_000, maxMs: 30_000 });

/** How often one of `nodes` agents sends a heartbeat, ms: clamp(N / 50 s, 5 s, 30 s). */
export function heartbeatIntervalMs(nodes: number, pace: Pace = DEFAULT_PACE): number {
  return Math.min(pace.maxMs, Math.max(pace.minMs, Math.round((nodes / pace.perSecond) * 1000)));
}

/** Silence after which a node is unreachable: `lostAfterMs`, but never less than two and a half heartbeats. */
export function silenceLimitMs(lostAfterMs: number, intervalMs: number): number {
  return Math.max(lostAfterMs, 2.5 * intervalMs);
}
