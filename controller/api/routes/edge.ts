import type { ApiDeps } from '../deps.ts';
import { setFronts, showFronts } from '../operations/edge.ts';
import { userRoute, type Route } from '../route.ts';

/** Settings of the proxies of all nodes. */
export function edgeRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showFronts', { auth: 'user', action: 'fleet.read', handle: () => showFronts(deps) }),
    userRoute('setFronts', {
      auth: 'admin',
      action: 'node.manage',
      handle: ({ user, body }) => setFronts(deps, { user, change: body }),
    }),
  ];
}
