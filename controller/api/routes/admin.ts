import { z } from 'zod';
import { keyTaken, parsePublicKey } from '../../access/ssh-keys.ts';
import { newApiToken, newJoinToken } from '../../access/tokens.ts';
import type { User } from '../../domain/users.ts';
import type { JoinTokenBody, NewUserBody } from '../../../shared/api/identity.ts';
import { parseUserName } from '../../../shared/domain/names.ts';
import { notFound } from '../api-errors.ts';
import { installLine } from '../../install/install-script.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';
import { viewKey, viewUser } from '../views.ts';
import { keyBody } from './account.ts';
import { doorOf } from './install.ts';

const MINUTE_MS = 60_000;
const label = z.string().regex(/^[A-Za-z0-9._-]{1,63}$/, 'letters, digits, dots, dashes and underscores, at most 63');

const userBody = z.strictObject({
  name: z.string().max(100),
  admin: z.boolean().default(false),
  publicKey: z.string().max(20_000).optional(),
});
const joinTokenBody = z.strictObject({
  ttlMs: z
    .number()
    .int()
    .min(MINUTE_MS)
    .max(24 * 60 * MINUTE_MS)
    .default(15 * MINUTE_MS),
  labels: z.record(label, label).default({}),
});

export function adminRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [listUsers(deps), createUser(deps), listUserKeys(deps), addUserKey(deps), createJoinToken(config, deps)];
}

function listUsers({ store }: ApiDeps): Route {
  return userRoute({
    method: 'GET',
    url: '/users',
    auth: 'admin',
    action: 'user.manage',
    handle: async () => (await store.users()).map(viewUser),
  });
}

function createUser({ store, log }: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/users',
    auth: 'admin',
    action: 'user.manage',
    body: userBody,
    handle: async ({ user: admin, body, reply }) => {
      const name = parseUserName(body.name);
      // Everything is checked before anything is stored.
      const key = body.publicKey === undefined ? undefined : parsePublicKey(body.publicKey);
      if (key !== undefined && (await store.userByFingerprint(key.fingerprint)) !== undefined) throw keyTaken();
      const user = await store.createUser({ name, admin: body.admin, by: admin.name });
      if (key !== undefined) await store.addKey({ ...key, userId: user.id, by: admin.name });
      const token = newApiToken();
      await store.addToken({
        userId: user.id,
        secretHash: token.secretHash,
        description: 'first token',
        by: admin.name,
      });
      log.info({ user: user.name, admin: user.admin, by: admin.name }, 'user.created');
      reply.code(201);
      return { ...viewUser(user), token: token.secret.reveal() } satisfies NewUserBody;
    },
  });
}

function listUserKeys({ store }: ApiDeps): Route {
  return userRoute({
    method: 'GET',
    url: '/users/:name/keys',
    auth: 'admin',
    action: 'user.manage',
    handle: async ({ params }) => (await store.keysOf((await findUser(store, params['name'])).id)).map(viewKey),
  });
}

function addUserKey({ store }: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/users/:name/keys',
    auth: 'admin',
    action: 'user.manage',
    body: keyBody,
    handle: async ({ user: admin, params, body, reply }) => {
      const user = await findUser(store, params['name']);
      const key = await store.addKey({ ...parsePublicKey(body.publicKey), userId: user.id, by: admin.name });
      reply.code(201);
      return viewKey(key);
    },
  });
}

function createJoinToken(config: ApiConfig, { store, clock, authority, log }: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/nodes/tokens',
    auth: 'admin',
    action: 'node.manage',
    body: joinTokenBody,
    handle: async ({ user, body, reply, request }) => {
      const token = newJoinToken();
      const expiresAtMs = clock.nowMs() + body.ttlMs;
      await store.addJoinToken({ secretHash: token.secretHash, labels: body.labels, expiresAtMs, by: user.name });
      log.info({ by: user.name, expiresAtMs }, 'join_token.created');
      reply.code(201);
      const secret = token.secret.reveal();
      const install = installLine({ ...doorOf(config, request), token: secret });
      return { token: secret, expiresAtMs, pin: authority.pin, install } satisfies JoinTokenBody;
    },
  });
}

async function findUser(store: ApiDeps['store'], name: string | undefined): Promise<User> {
  const user = await store.userByName(parseUserName(name ?? ''));
  if (user === undefined) throw notFound('user');
  return user;
}
