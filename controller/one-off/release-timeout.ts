import { ownProperty } from '../../shared/kit/own-property.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';

/** The config variable with the limit of the release command: `90s`, `30m`, `2h`. */
const RELEASE_TIMEOUT = 'SLIPWAY_RELEASE_TIMEOUT';
const DEFAULT_MS = 60 * 60_000;
const MAX_MS = 24 * 60 * 60_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Pure. A value that cannot be read counts as the default. */
export function releaseTimeoutMs(config: ConfigVars): number {
  const [, amount = '', unit = ''] =
    /^(\d{1,6})([smh])$/.exec(ownProperty(config, RELEASE_TIMEOUT)?.reveal() ?? '') ?? [];
  const ms = Number(amount) * (ownProperty(UNITS, unit) ?? 0);
  return ms > 0 ? Math.min(ms, MAX_MS) : DEFAULT_MS;
}
