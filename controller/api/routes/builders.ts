import type { ApiDeps } from '../deps.ts';
import { viewBuilders } from '../operation-views.ts';
import { describeBuilders, setBuilders } from '../operations/builders.ts';
import { userRoute, type Route } from '../route.ts';

/** Which nodes build. */
export function builderRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showBuilders', {
      auth: 'user',
      action: 'fleet.read',
      handle: () => Promise.resolve(viewBuilders(describeBuilders(deps))),
    }),
    userRoute('setBuilders', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, body }) => viewBuilders(await setBuilders(deps, { required: body.require, user })),
    }),
  ];
}
