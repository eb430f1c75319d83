import { SlipwayError } from '../kit/errors.ts';
import { DEFAULT_LIMITS } from './assignment.ts';
import type { LimitSettings } from './placement.ts';

/**
 * Highest limits that `ps:limits` may give each instance of an app. The limit of processors has no ceiling, because it only reduces
 * the fair share that every instance has.
 */
export interface Ceilings {
  readonly memoryBytes: number;
  readonly pidsMax: number;
  readonly diskBytes: number;
}

export type CeilingName = keyof Ceilings;

const GIB = 1024 ** 3;

/** For a small server. Processes: an eighth of 32 768, the limit of Linux on a small machine (`kernel.pid_max`). */
export const DEFAULT_CEILINGS: Ceilings = Object.freeze({ memoryBytes: 32 * GIB, pidsMax: 4096, diskBytes: 32 * GIB });

export const CEILING_NAMES: readonly CeilingName[] = ['memoryBytes', 'pidsMax', 'diskBytes'];

const FLAGS: Readonly<Record<CeilingName, string>> = {
  memoryBytes: '--memory',
  pidsMax: '--pids',
  diskBytes: '--disk',
};
/** After a number: `8G of memory`. */
export const WHAT_CEILING: Readonly<Record<CeilingName, string>> = {
  memoryBytes: 'of memory',
  pidsMax: 'processes',
  diskBytes: 'of disk',
};

/** The flag of `ps:limits` and `limits:set`. */
export function limitFlag(name: CeilingName): string {
  return FLAGS[name];
}

/** `8G`, `512M`, `4096`, as the flags take it. */
export function sayCeiling(name: CeilingName, value: number): string {
  if (name === 'pidsMax') return String(value);
  const mebibytes = Math.ceil(value / 1024 ** 2);
  return mebibytes % 1024 === 0 ? `${String(mebibytes / 1024)}G` : `${String(mebibytes)}M`;
}

/**
 * Refuses limits above a ceiling. An app may keep or lower its current limits, so that a lower ceiling breaks no running app.
 * @throws SLIP_PS_CEILING
 */
export function checkCeilings(asked: LimitSettings, before: LimitSettings | undefined, ceilings: Ceilings): void {
  for (const name of CEILING_NAMES) {
    const value = asked[name] ?? 0;
    if (value <= Math.max(ceilings[name], before?.[name] ?? 0)) continue;
    throw new SlipwayError({
      code: 'SLIP_PS_CEILING',
      message: `Each instance of an app may have at most ${sayCeiling(name, ceilings[name])} ${WHAT_CEILING[name]}; you asked for ${sayCeiling(name, value)}.`,
      hint: `Ask for less, or ask an administrator to raise the ceiling: slipway limits:set ${FLAGS[name]} ${sayCeiling(name, value)}`,
      httpStatus: 422,
    });
  }
}

/** Refuses a ceiling below the default limit, because it would forbid the default. @throws SLIP_PS_CEILING_LOW */
export function checkCeilingChange(change: Partial<Record<CeilingName, number | null | undefined>>): void {
  for (const name of CEILING_NAMES) {
    const value = change[name] ?? Infinity;
    if (value >= DEFAULT_LIMITS[name]) continue;
    throw new SlipwayError({
      code: 'SLIP_PS_CEILING_LOW',
      message: `A ceiling of ${sayCeiling(name, value)} ${WHAT_CEILING[name]} is less than each instance has by default: ${sayCeiling(name, DEFAULT_LIMITS[name])}.`,
      hint: `Give at least ${FLAGS[name]} ${sayCeiling(name, DEFAULT_LIMITS[name])}.`,
      httpStatus: 422,
    });
  }
}
