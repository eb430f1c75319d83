import type { ApiDeps } from '../deps.ts';
import { changeCeilings } from '../operations/ceilings.ts';
import { userRoute, type Route } from '../route.ts';

/** The highest limits that `ps:limits` may give. */
export function ceilingRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showCeilings', {
      auth: 'user',
      action: 'fleet.read',
      handle: async () => ({ ceilings: await deps.store.limitCeilings() }),
    }),
    userRoute('changeCeilings', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, body }) => ({ ceilings: await changeCeilings(deps, { changes: body, user }) }),
    }),
  ];
}
