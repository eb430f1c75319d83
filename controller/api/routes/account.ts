import { z } from 'zod';
import { parsePublicKey } from '../../access/ssh-keys.ts';
import type { ApiDeps } from '../deps.ts';
import { notFound } from '../api-errors.ts';
import { userRoute, type Route } from '../route.ts';
import { viewKey, viewUser } from '../views.ts';

export const keyBody = z.strictObject({ publicKey: z.string().min(1).max(20_000) });

/** The caller's own account. */
export function accountRoutes({ store }: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'GET',
      url: '/whoami',
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => viewUser(user),
    }),
    userRoute({
      method: 'GET',
      url: '/keys',
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => (await store.keysOf(user.id)).map(viewKey),
    }),
    userRoute({
      method: 'POST',
      url: '/keys',
      auth: 'user',
      action: 'account.write',
      body: keyBody,
      handle: async ({ user, body, reply }) => {
        const key = await store.addKey({ ...parsePublicKey(body.publicKey), userId: user.id });
        reply.code(201);
        return viewKey(key);
      },
    }),
    userRoute({
      method: 'DELETE',
      url: '/keys/:fingerprint',
      auth: 'user',
      action: 'account.write',
      handle: async ({ user, params }) => {
        if (!(await store.removeKey(user.id, params['fingerprint'] ?? ''))) throw notFound('key of yours');
        return undefined;
      },
    }),
  ];
}
