import { listedOwner } from '../../access/policy.ts';
import type { ApiDeps } from '../deps.ts';
import { viewEgressChange } from '../operation-views.ts';
import { addEgress, removeEgress } from '../operations/egress.ts';
import { appRoute, userRoute, type Route } from '../route.ts';

/** Private networks that apps and their builds may reach. Users read the lists; only administrators change them. */
export function egressRoutes(deps: ApiDeps): readonly Route[] {
  return [...readRoutes(deps), ...fleetRoutes(deps), ...appRoutes(deps)];
}

function readRoutes({ store }: ApiDeps): readonly Route[] {
  return [
    userRoute('showEgress', {
      auth: 'user',
      action: 'fleet.read',
      handle: async ({ user }) => {
        const { fleet, apps } = await store.egress();
        const listsAll = listedOwner(user) === undefined;
        return { cidrs: fleet, ...(listsAll ? { apps: apps.map(({ app, cidrs }) => ({ app, cidrs })) } : {}) };
      },
    }),
    appRoute('showAppEgress', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => {
        const { fleet, apps } = await store.egress();
        return { app: app.name, cidrs: apps.find((each) => each.app === app.name)?.cidrs ?? [], fleet };
      },
    }),
  ];
}

function fleetRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('addEgress', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, body }) => viewEgressChange(await addEgress(deps, { user, text: body.cidr })),
    }),
    userRoute('removeEgress', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) => viewEgressChange(await removeEgress(deps, { user, text: params.cidr })),
    }),
  ];
}

function appRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('addAppEgress', {
      auth: 'admin',
      action: 'app.egress.write',
      handle: async ({ app, user, body }) => viewEgressChange(await addEgress(deps, { app, user, text: body.cidr })),
    }),
    appRoute('removeAppEgress', {
      auth: 'admin',
      action: 'app.egress.write',
      handle: async ({ app, user, params }) =>
        viewEgressChange(await removeEgress(deps, { app, user, text: params.cidr })),
    }),
  ];
}
