import { z } from 'zod';
import { newJoinToken } from '../../access/tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { ApiTokenInfoBody, JoinTokenInfoBody, RejoinTokenBody } from '../../../shared/api/identity.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { notFound } from '../api-errors.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { revokeNode } from '../revoke-node.ts';
import { userRoute, type Route } from '../route.ts';
import { doorOf } from './install.ts';
import { rejoinConnected } from './join.ts';

const MINUTE_MS = 60_000;
const rejoinBody = z.strictObject({
  ttlMs: z
    .number()
    .int()
    .min(MINUTE_MS)
    .max(24 * 60 * MINUTE_MS)
    .default(15 * MINUTE_MS),
});

/** Certificates of nodes and tokens of people, as an administrator or their owner handles them. */
export function identityRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [revoke(deps), rejoinToken(config, deps), ...joinTokens(deps), ...apiTokens(deps)];
}

function revoke(deps: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/nodes/:node/revoke',
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, params }) => {
      await revokeNode(deps, await findNode(deps, params['node']), user.name);
      return undefined;
    },
  });
}

function rejoinToken(config: ApiConfig, deps: ApiDeps): Route {
  const { store, fleet, clock, authority, log } = deps;
  return userRoute({
    method: 'POST',
    url: '/nodes/:node/rejoin',
    auth: 'admin',
    action: 'node.manage',
    body: rejoinBody,
    handle: async ({ user, params, body, reply, request }) => {
      const node = await findNode(deps, params['node']);
      if (fleet.node(node.id)?.connected === true) throw rejoinConnected(node.name);
      const token = newJoinToken();
      const expiresAtMs = clock.nowMs() + body.ttlMs;
      await store.addJoinToken({
        secretHash: token.secretHash,
        labels: {},
        expiresAtMs,
        by: user.name,
        rejoins: node.id,
      });
      log.info({ node: node.name, by: user.name, expiresAtMs }, 'rejoin_token.created');
      reply.code(201);
      const { url } = doorOf(config, request);
      return {
        node: node.name,
        token: token.secret.reveal(),
        expiresAtMs,
        pin: authority.pin,
        url,
      } satisfies RejoinTokenBody;
    },
  });
}

function joinTokens({ store, clock, log }: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'GET',
      url: '/join-tokens',
      auth: 'admin',
      action: 'node.manage',
      handle: async () => (await store.joinTokens(clock.nowMs())) satisfies readonly JoinTokenInfoBody[],
    }),
    userRoute({
      method: 'DELETE',
      url: '/join-tokens/:id',
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) => {
        const id = params['id'] ?? '';
        if (!(await store.removeJoinToken(id, user.name)))
          throw noToken('See those that can still be used with: slipway nodes:tokens');
        log.info({ token: id, by: user.name }, 'join_token.revoked');
        return undefined;
      },
    }),
  ];
}

function apiTokens({ store, log }: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'GET',
      url: '/tokens',
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) =>
        (await store.apiTokensOf(user.id)).map(({ userId: _, ...token }): ApiTokenInfoBody => token),
    }),
    userRoute({
      method: 'DELETE',
      url: '/tokens/:id',
      auth: 'user',
      action: 'account.write',
      handle: async ({ user, params }) => {
        const id = params['id'] ?? '';
        if (!(await store.removeApiToken(user.id, id))) throw noToken('See yours with: slipway tokens');
        log.info({ token: id, user: user.name }, 'api_token.revoked');
        return undefined;
      },
    }),
  ];
}

async function findNode({ store }: ApiDeps, name: string | undefined): Promise<NodeRow> {
  const node = await store.nodeByName(parseNodeName(name ?? ''));
  if (node === undefined) throw notFound('node');
  return node;
}

function noToken(hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TOKEN_NOT_FOUND',
    httpStatus: 404,
    message: 'There is no such token, or it was used.',
    hint,
  });
}
