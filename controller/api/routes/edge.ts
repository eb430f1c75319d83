import type { ApiDeps } from '../deps.ts';
import { setEdge, setFronts, showEdge, showFronts } from '../operations/edge.ts';
import { userRoute, type Route } from '../route.ts';

/** Settings of the proxies of all nodes. */
export function edgeRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showEdge', { auth: 'user', action: 'fleet.read', handle: () => showEdge(deps) }),
    userRoute('setEdge', {
      auth: 'admin',
      action: 'node.manage',
      handle: ({ user, body }) => setEdge(deps, { user, required: body.require }),
    }),
    userRoute('showFronts', { auth: 'user', action: 'fleet.read', handle: () => showFronts(deps) }),
    userRoute('setFronts', {
      auth: 'admin',
      action: 'node.manage',
      handle: ({ user, body }) => setFronts(deps, { user, change: body }),
    }),
  ];
}
