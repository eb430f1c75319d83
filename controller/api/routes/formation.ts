import type { ProcessPlan } from '../../formation/formations.ts';
import { isStopped } from '../../../shared/domain/placement.ts';
import type { ProcessPlanBody } from '../../../shared/api/formation.ts';
import type { ApiDeps } from '../deps.ts';
import { scaleApp, setLimits, setPlacement } from '../operations/formation.ts';
import { appRoute, type Route } from '../route.ts';

export function formationRoutes(deps: ApiDeps): readonly Route[] {
  return [...quantityRoutes(deps), ...settingRoutes(deps), restart(deps)];
}

function quantityRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showFormation', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => (await deps.formations.describe(app)).map(viewPlan),
    }),
    appRoute('scaleApp', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body, signal }) => {
        const quantities = Object.fromEntries(body.updates.map(({ type, quantity }) => [type, quantity]));
        const wanted = await scaleApp(deps, { app, user, quantities, signal });
        const stopped = (await deps.store.appById(app.id))?.stopped;
        return {
          formation: Object.entries(wanted).map(([type, quantity]) => ({ type, quantity })),
          stopped: Object.keys(wanted).filter((type) => isStopped(stopped, type)),
        };
      },
    }),
  ];
}

function settingRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('setLimits', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params, body, signal }) => {
        const limits = 'reset' in body ? null : body;
        return viewPlan(await setLimits(deps, { app, user, type: params.type, limits, signal }));
      },
    }),
    appRoute('setPlacement', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params, body }) =>
        viewPlan(await setPlacement(deps, { app, user, type: params.type, change: body })),
    }),
  ];
}

function restart({ formations }: ApiDeps): Route {
  return appRoute('restartApp', {
    auth: 'user',
    action: 'app.write',
    handle: async ({ app, user, body, signal }) => ({
      instances: await formations.restart(app, user, { which: body.process, signal }),
    }),
  });
}

function viewPlan({ type, count, command, limits, rule, stopped }: ProcessPlan): ProcessPlanBody {
  return { type, quantity: count, ...(command === undefined ? {} : { command }), limits, placement: rule, stopped };
}
