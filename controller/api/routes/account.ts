import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { addKey } from '../operations/users.ts';
import { userRoute, type Route } from '../route.ts';
import { viewKey, viewUser } from '../views.ts';

/** The caller's own account. */
export function accountRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('whoAmI', {
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => viewUser(user),
    }),
    userRoute('listKeys', {
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => (await deps.store.keysOf(user.id)).map(viewKey),
    }),
    userRoute('addKey', {
      auth: 'user',
      action: 'account.write',
      handle: async ({ user, body }) => viewKey(await addKey(deps, { user, publicKey: body.publicKey })),
    }),
    userRoute('removeKey', {
      auth: 'user',
      action: 'account.write',
      handle: async ({ user, params }) => {
        if (!(await deps.store.removeKey(user.id, params.fingerprint))) throw notFound('key of yours');
        return undefined;
      },
    }),
  ];
}
