import type { PlacementChange } from '../../../shared/api/formation.ts';
import { DEFAULT_LIMITS } from '../../../shared/domain/assignment.ts';
import {
  ANYWHERE,
  defaultCount,
  parseLabelName,
  parseLabelValue,
  type Formation,
  type LimitSettings,
  type PlacementRule,
} from '../../../shared/domain/placement.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { ProcessPlan, ScaleRequest } from '../../formation/formations.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'formations'>;

interface TypeChange {
  readonly app: App;
  readonly user: User;
  readonly type: string;
}

/** Quantities are numbers, `+1`, `-1` or `all`. Returns what is wanted now of the types in the request. */
export function scaleApp(
  { formations }: Deps,
  { app, user, ...request }: Pick<TypeChange, 'app' | 'user'> & ScaleRequest,
): Promise<Formation> {
  return formations.scale(app, user, request);
}

/** `null`: the defaults again. */
export async function setLimits(
  { formations }: Deps,
  { app, user, ...change }: TypeChange & { readonly limits: LimitSettings | null; readonly signal: AbortSignal },
): Promise<ProcessPlan> {
  await formations.setLimits(app, user, change);
  return await planOf(formations, app, change.type);
}

/** @throws SLIP_NAME_LABEL */
export async function setPlacement(
  { formations }: Deps,
  { app, user, type, change }: TypeChange & { readonly change: PlacementChange },
): Promise<ProcessPlan> {
  await formations.setPlacement(app, user, { type, rule: 'clear' in change ? null : ruleOf(change) });
  return await planOf(formations, app, type);
}

/** Before the first deploy, a type without settings has the defaults. */
async function planOf(formations: Deps['formations'], app: App, type: string): Promise<ProcessPlan> {
  const plan = (await formations.describe(app)).find((each) => each.type === type);
  return plan ?? { type, count: defaultCount(type), limits: DEFAULT_LIMITS, rule: ANYWHERE, stopped: false };
}

function ruleOf({
  require: labels,
  spread,
  onFull,
}: Exclude<PlacementChange, { readonly clear: true }>): Partial<PlacementRule> {
  return {
    ...(labels === undefined ? {} : { require: checkedLabels(labels) }),
    ...(spread === undefined ? {} : { spread: spread === null ? undefined : parseLabelName(spread) }),
    ...(onFull === undefined ? {} : { onFull }),
  };
}

/** @throws SLIP_NAME_LABEL */
export function checkedLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]): [string, string] => [parseLabelName(name), parseLabelValue(value)]),
  );
}
