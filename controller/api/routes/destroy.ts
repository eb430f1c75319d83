import { z } from 'zod';
import { whyAwaited } from '../../observe/why/why-awaited.ts';
import type { DestroyedApp } from '../../domain/destroyed-apps.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { userNames } from '../user-names.ts';
import { viewApp } from '../views.ts';
import type { DestroyedAppBody } from '../../../shared/api/apps.ts';

const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) });

export function destroyRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [destroyApp(config, deps), listDestroyed(deps)];
}

function destroyApp(config: ApiConfig, { store, destroys }: ApiDeps): Route {
  return appRoute({
    method: 'DELETE',
    url: '/apps/:app',
    auth: 'user',
    action: 'app.destroy',
    handle: async ({ app, user }) => {
      const nameOf = await userNames(store, [app.ownerId]);
      await destroys.run(app, user.name);
      return viewApp(app, nameOf(app.ownerId), config);
    },
  });
}

function listDestroyed({ store, fleet }: ApiDeps): Route {
  return userRoute({
    method: 'GET',
    url: '/destroyed-apps',
    auth: 'admin',
    action: 'node.manage',
    query: listQuery,
    handle: async ({ query }) => {
      const names = new Map((await store.nodes()).map((node) => [node.id, node.name as string]));
      const view = ({ name, uidBase, destroyedAtMs, freeAtMs, awaited }: DestroyedApp): DestroyedAppBody => ({
        ...{ name, uidBase, destroyedAtMs, freeAtMs },
        awaited: awaited.map((nodeId) => ({ node: names.get(nodeId) ?? nodeId, why: whyAwaited(fleet.node(nodeId)) })),
      });
      return (await store.destroyedApps(query.limit)).map(view);
    },
  });
}
