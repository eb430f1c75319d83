/**
 * The total rate of heartbeats of the fleet, and the bounds of the interval of one agent. `maxMs` keeps the time to `unreachable` below
 * 30 s in a fleet of any size.
 */
export interface HeartbeatRate {
  readonly perSecond: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export const DEFAULT_HEARTBEAT_RATE: HeartbeatRate = Object.freeze({ perSecond: 50, minMs: 5_000, maxMs: 10_000 });

/** The heartbeat interval of each agent in a fleet of `nodes`, ms. By default: clamp(nodes / 50 s, 5 s, 10 s). */
export function heartbeatIntervalMs(nodes: number, rate: HeartbeatRate = DEFAULT_HEARTBEAT_RATE): number {
  return Math.min(rate.maxMs, Math.max(rate.minMs, Math.round((nodes / rate.perSecond) * 1000)));
}

/** A node is unreachable after this time without a message: `unreachableAfterMs`, and at least two and a half heartbeats. */
export function silenceLimitMs(unreachableAfterMs: number, intervalMs: number): number {
  return Math.max(unreachableAfterMs, 2.5 * intervalMs);
}
