const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A length of time in one unit, rounded down: `90 s`, `5 min`, `3 h`, `2 days`. */
export function formatDuration(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${String(Math.max(0, Math.floor(ms / 1000)))} s`;
  if (ms < 2 * HOUR_MS) return `${String(Math.floor(ms / MINUTE_MS))} min`;
  if (ms < 2 * DAY_MS) return `${String(Math.floor(ms / HOUR_MS))} h`;
  return `${String(Math.floor(ms / DAY_MS))} days`;
}

/** The time until a moment, rounded up: one second into 15 min, 15 min remain. */
export function formatRemaining(ms: number): string {
  return formatDuration(Math.ceil(ms / unitOf(ms)) * unitOf(ms));
}

function unitOf(ms: number): number {
  if (ms <= 2 * MINUTE_MS) return 1000;
  if (ms <= 2 * HOUR_MS) return MINUTE_MS;
  return ms <= 2 * DAY_MS ? HOUR_MS : DAY_MS;
}
