import { z } from 'zod';
import type { ProcessPlan } from '../../formation/formations.ts';
import type { ApiDeps } from '../deps.ts';
import { appRoute, type Route } from '../route.ts';
import type { ProcessPlanBody, RestartedBody, ScaledBody } from '../../../shared/api/formation.ts';
import { parseLabelName, parseLabelValue, type PlacementRule } from '../../../shared/domain/placement.ts';

/** Heroku's body; the quantity may be a number, `+1`, `-1` or `all`. */
const scaleBody = z.strictObject({
  updates: z
    .array(
      z.strictObject({
        type: z.string().max(100),
        quantity: z.union([z.string().max(20), z.number().int().min(0).transform(String)]),
      }),
    )
    .min(1)
    .max(100),
});

const MIB = 1024 * 1024;
const bytes = z.number().int().max(Number.MAX_SAFE_INTEGER);
/** `reset` takes all limits of the type back to the defaults. */
const limitsBody = z.union([
  z.strictObject({ reset: z.literal(true) }),
  z
    .strictObject({
      memoryBytes: bytes.min(16 * MIB).optional(),
      pidsMax: z.number().int().min(1).max(1_000_000).optional(),
      /** 0: no ceiling. */
      cpuMillis: z.union([z.literal(0), z.number().int().min(10).max(1_024_000)]).optional(),
      diskBytes: bytes.min(16 * MIB).optional(),
    })
    .refine((limits) => Object.values(limits).some((value) => value !== undefined), 'at least one limit is needed'),
]);

/** Fields that are absent stay; `spread: null` spreads over nodes alone; `clear` takes the whole rule away. */
const placementBody = z.union([
  z.strictObject({ clear: z.literal(true) }),
  z.strictObject({
    require: z.record(z.string().max(100), z.string().max(100)).optional(),
    spread: z.string().max(100).nullable().optional(),
    onFull: z.enum(['wait', 'stop-first']).optional(),
  }),
]);

const restartBody = z.strictObject({ process: z.string().max(100).optional() });

export function formationRoutes({ formations }: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'GET',
      url: '/apps/:app/formation',
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => (await formations.describe(app)).map(viewPlan),
    }),
    appRoute({
      method: 'PATCH',
      url: '/apps/:app/formation',
      auth: 'user',
      action: 'app.write',
      body: scaleBody,
      handle: async ({ app, user, body }) => {
        const wanted = await formations.scale(
          app,
          user,
          Object.fromEntries(body.updates.map(({ type, quantity }) => [type, quantity])),
        );
        return {
          formation: Object.entries(wanted).map(([type, quantity]) => ({ type, quantity })),
        } satisfies ScaledBody;
      },
    }),
    appRoute({
      method: 'PATCH',
      url: '/apps/:app/formation/:type/limits',
      auth: 'user',
      action: 'app.write',
      body: limitsBody,
      handle: async ({ app, user, params, body }) => {
        const type = params['type'] ?? '';
        await formations.setLimits(app, user, { type, limits: 'reset' in body ? null : body });
        return (await formations.describe(app)).map(viewPlan).find((plan) => plan.type === type);
      },
    }),
    appRoute({
      method: 'PATCH',
      url: '/apps/:app/formation/:type/placement',
      auth: 'user',
      action: 'app.write',
      body: placementBody,
      handle: async ({ app, user, params, body }) => {
        const type = params['type'] ?? '';
        await formations.setPlacement(app, user, { type, rule: 'clear' in body ? null : ruleOf(body) });
        return (await formations.describe(app)).map(viewPlan).find((plan) => plan.type === type);
      },
    }),
    appRoute({
      method: 'POST',
      url: '/apps/:app/restart',
      auth: 'user',
      action: 'app.write',
      body: restartBody,
      handle: async ({ app, user, body }) =>
        ({ instances: await formations.restart(app, user, body.process) }) satisfies RestartedBody,
    }),
  ];
}

function viewPlan({ type, count, command, limits, rule }: ProcessPlan): ProcessPlanBody {
  return { type, quantity: count, ...(command === undefined ? {} : { command }), limits, placement: rule };
}

/** @throws SLIP_NAME_LABEL */
function ruleOf(body: {
  readonly require?: Readonly<Record<string, string>> | undefined;
  readonly spread?: string | null | undefined;
  readonly onFull?: PlacementRule['onFull'] | undefined;
}): Partial<PlacementRule> {
  const { require: labels, spread, onFull } = body;
  const checked = Object.entries(labels ?? {}).map(([name, value]) => [parseLabelName(name), parseLabelValue(value)]);
  return {
    ...(labels === undefined ? {} : { require: Object.fromEntries(checked) as Record<string, string> }),
    ...(spread === undefined ? {} : { spread: spread === null ? undefined : parseLabelName(spread) }),
    ...(onFull === undefined ? {} : { onFull }),
  };
}
