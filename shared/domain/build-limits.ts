import { SlipwayError } from '../kit/errors.ts';
import { DEFAULT_BUILD_LIMITS } from './assignment.ts';
import type { BuildLimits } from './build-settings.ts';
import { limitFlag, sayCeiling, WHAT_CEILING, type Ceilings } from './ceilings.ts';

/** A longer build would keep a builder from the builds of others. */
export const BUILD_TIMEOUT_MAX_MS = 60 * 60_000;
export const BUILD_TIMEOUT_MIN_MS = 60_000;
/** Less memory or disk than this is not enough for any buildpack. */
export const BUILD_BYTES_MIN = 256 * 1024 * 1024;

/** The ceilings of instances are for builds too, but never below the defaults of builds. @throws SLIP_BUILD_LIMIT */
export function checkBuildLimits(limits: BuildLimits, ceilings: Ceilings): void {
  for (const name of ['memoryBytes', 'diskBytes'] as const) {
    const [asked, most] = [limits[name] ?? 0, Math.max(ceilings[name], DEFAULT_BUILD_LIMITS[name])];
    if (asked <= most) continue;
    throw new SlipwayError({
      code: 'SLIP_BUILD_LIMIT',
      message: `A build may have at most ${sayCeiling(name, most)} ${WHAT_CEILING[name]}; you asked for ${sayCeiling(name, asked)}.`,
      hint: `Ask for less, or ask an administrator to raise the ceiling: slipway limits:set ${limitFlag(name)} ${sayCeiling(name, asked)}`,
      httpStatus: 422,
    });
  }
}
