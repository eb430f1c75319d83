import type { ApiDeps } from '../deps.ts';
import { describeBuilders, setBuilders } from '../operations/builders.ts';
import { userRoute, type Route } from '../route.ts';

/** Which nodes build. */
export function builderRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showBuilders', {
      auth: 'user',
      action: 'fleet.read',
      handle: () => Promise.resolve(describeBuilders(deps)),
    }),
    userRoute('setBuilders', {
      auth: 'admin',
      action: 'node.manage',
      handle: ({ user, body }) => setBuilders(deps, { required: body.require, user }),
    }),
  ];
}
