/** `5 s`, `3 min`, `2 h`, `4 d`: one unit, rounded down. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** What is left until a moment, rounded up: of 15 min, 15 min are left a second later. */
export function renderLeft(ms: number): string {
  const unitMs = ms > 48 * 3_600_000 ? 86_400_000 : ms > 3_600_000 ? 3_600_000 : ms > 60_000 ? 60_000 : 1000;
  return renderDuration(Math.ceil(ms / unitMs) * unitMs);
}

export function renderAgo(atMs: number, nowMs: number): string {
  return `${renderDuration(nowMs - atMs)} ago`;
}

/** UTC, e.g. `2026-11-20 10:00:00`. */
export function renderTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** `512 B`, `13.4 MB`: decimal units, as disks are sold and Heroku prints. */
export function renderBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? String(value) : value.toFixed(1)} ${units[power] ?? 'B'}`;
}
