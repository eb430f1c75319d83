import { installLine } from '../../install/install-script.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { createJoinToken } from '../operations/join-tokens.ts';
import { addKey, createUser, findUser } from '../operations/users.ts';
import { userRoute, type Route } from '../route.ts';
import { viewKey, viewUser } from '../views.ts';
import { reachedAt } from './install.ts';

export function adminRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [...userRoutes(deps), ...userKeyRoutes(deps), joinToken(config, deps)];
}

function userRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('listUsers', {
      auth: 'admin',
      action: 'user.manage',
      handle: async () => (await deps.store.users()).map(viewUser),
    }),
    userRoute('createUser', {
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ user: by, body }) => {
        const { user, token } = await createUser(deps, { wanted: body, by });
        return { ...viewUser(user), token: token.reveal() };
      },
    }),
  ];
}

function userKeyRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('listUserKeys', {
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ params }) => {
        const user = await findUser(deps, params.name);
        return (await deps.store.keysOf(user.id)).map(viewKey);
      },
    }),
    userRoute('addUserKey', {
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ user: by, params, body }) => {
        const user = await findUser(deps, params.name);
        return viewKey(await addKey(deps, { user, publicKey: body.publicKey, by }));
      },
    }),
  ];
}

function joinToken(config: ApiConfig, deps: ApiDeps): Route {
  return userRoute('createJoinToken', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user: by, body, request }) => {
      const { secret, expiresAtMs } = await createJoinToken(deps, { ...body, by });
      const token = secret.reveal();
      const install = installLine({ ...reachedAt(config, request), token });
      return { token, expiresAtMs, pin: deps.authority.pin, install };
    },
  });
}
