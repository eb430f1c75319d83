import { whyAwaited } from '../../observe/why/why-awaited.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { destroyApp } from '../operations/apps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { viewApp } from '../views.ts';

export function destroyRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    appRoute('destroyApp', {
      auth: 'user',
      action: 'app.destroy',
      handle: async ({ app, user }) => {
        const { owner } = await destroyApp(deps, { app, user });
        return viewApp(app, owner, config);
      },
    }),
    listDestroyed(deps),
  ];
}

function listDestroyed({ store, fleet }: ApiDeps): Route {
  return userRoute('listDestroyedApps', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ query }) => {
      const names = new Map((await store.nodes()).map((node) => [node.id, node.name as string]));
      return (await store.destroyedApps(query.limit)).map(({ awaited, name, uidBase, destroyedAtMs, freeAtMs }) => ({
        ...{ name, uidBase, destroyedAtMs, freeAtMs },
        awaited: awaited.map((nodeId) => ({ node: names.get(nodeId) ?? nodeId, why: whyAwaited(fleet.node(nodeId)) })),
      }));
    },
  });
}
