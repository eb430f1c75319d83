import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { createRejoinToken } from '../operations/join-tokens.ts';
import { findNode } from '../operations/nodes.ts';
import { revokeNode } from '../revoke-node.ts';
import { userRoute, type Route } from '../route.ts';
import { reachedAt } from './install.ts';

/** Certificates of nodes and tokens of people, for administrators and for their owners. */
export function identityRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [revoke(deps), rejoinToken(config, deps), ...joinTokens(deps), ...apiTokens(deps)];
}

function revoke(deps: ApiDeps): Route {
  return userRoute('revokeNode', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, params }) => {
      await revokeNode(deps, await findNode(deps, params.node), user.name);
      return undefined;
    },
  });
}

function rejoinToken(config: ApiConfig, deps: ApiDeps): Route {
  return userRoute('createRejoinToken', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user: by, params, body, request }) => {
      const node = await findNode(deps, params.node);
      const { secret, expiresAtMs } = await createRejoinToken(deps, { node, ttlMs: body.ttlMs, by });
      const { url } = reachedAt(config, request);
      return { node: node.name, token: secret.reveal(), expiresAtMs, pin: deps.authority.pin, url };
    },
  });
}

function joinTokens({ store, clock, log }: ApiDeps): readonly Route[] {
  return [
    userRoute('listJoinTokens', {
      auth: 'admin',
      action: 'node.manage',
      handle: () => store.joinTokens(clock.nowMs()),
    }),
    userRoute('removeJoinToken', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) => {
        const { id } = params;
        if (!(await store.removeJoinToken(id, user.name)))
          throw tokenNotFound('See those that can still be used with: slipway nodes:tokens');
        log.info({ token: id, by: user.name }, 'join_token.revoked');
        return undefined;
      },
    }),
  ];
}

function apiTokens({ store, log }: ApiDeps): readonly Route[] {
  return [
    userRoute('listTokens', {
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => (await store.apiTokensOf(user.id)).map(({ userId: _, ...token }) => token),
    }),
    userRoute('removeToken', {
      auth: 'user',
      action: 'account.write',
      handle: async ({ user, params }) => {
        const { id } = params;
        if (!(await store.removeApiToken(user.id, id))) throw tokenNotFound('See yours with: slipway tokens');
        log.info({ token: id, user: user.name }, 'api_token.revoked');
        return undefined;
      },
    }),
  ];
}

function tokenNotFound(hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TOKEN_NOT_FOUND',
    httpStatus: 404,
    message: 'There is no such token, or it was used.',
    hint,
  });
}
