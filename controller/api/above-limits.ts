import type { ProblemBody } from '../../shared/api/schema.ts';
import {
  CEILING_NAMES,
  limitFlag,
  sayCeiling,
  WHAT_CEILING,
  type CeilingName,
  type Ceilings,
} from '../../shared/domain/ceilings.ts';
import type { ProcessSettings } from '../../shared/domain/placement.ts';
import { QUOTA_KINDS } from '../../shared/domain/quota.ts';
import type { OverQuota } from '../domain/quotas.ts';

// Apps and users above a lowered ceiling or quota. A lower limit removes nothing, so an administrator must act. Pure.

/** A limit of a process type that is above its ceiling now. */
export interface AboveCeiling {
  readonly processType: string;
  readonly name: CeilingName;
  readonly value: number;
  readonly ceiling: number;
}

/** At most this many users are named in one status. */
const USERS_SHOWN = 20;

export function aboveCeilings(
  settings: Readonly<Record<string, ProcessSettings>>,
  ceilings: Ceilings,
): readonly AboveCeiling[] {
  return Object.entries(settings).flatMap(([processType, { limits = {} }]) =>
    CEILING_NAMES.flatMap((name) => {
      const [value, ceiling] = [limits[name] ?? 0, ceilings[name]];
      return value > ceiling ? [{ processType, name, value, ceiling }] : [];
    }),
  );
}

/** One problem for each process type, with the command that reduces its limits to the ceilings. */
export function ceilingProblems(app: string, above: readonly AboveCeiling[]): readonly ProblemBody[] {
  return [...Map.groupBy(above, ({ processType }) => processType)].map(([type, all]) => {
    const words = all.map(
      ({ name, value, ceiling }) =>
        `${sayCeiling(name, value)} ${WHAT_CEILING[name]} (the ceiling is ${sayCeiling(name, ceiling)})`,
    );
    const flags = all.map(({ name, ceiling }) => `${limitFlag(name)} ${sayCeiling(name, ceiling)}`);
    return {
      message: `${app}: the limits of ${type} are above the ceilings, and stay until somebody changes them: ${words.join(', ')}.`,
      next: `slipway ps:limits ${type} ${flags.join(' ')} -a ${app}`,
    };
  });
}

/** One problem for each quota that a user, or one app of a user, exceeds. */
export function quotaProblems(over: readonly OverQuota[]): readonly ProblemBody[] {
  const shown = over.slice(0, USERS_SHOWN).map(({ user, app, quota, used, max }) => {
    const who = app === undefined ? `User ${user}` : `${app} (of ${user})`;
    return {
      message: `${who} has ${String(used)} ${QUOTA_KINDS[quota].what}, but the quota is ${String(max)}. Nothing is removed, and no more can be added.`,
      next: app === undefined ? `slipway users:quotas ${user}` : `slipway domains -a ${app}`,
    };
  });
  const more = over.length - shown.length;
  return more <= 0
    ? shown
    : [...shown, { message: `${String(more)} more users or apps are above their quota.`, next: 'slipway users' }];
}
