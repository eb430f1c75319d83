import { z } from 'zod';
import type { QuotasBody } from '../../../shared/api/quotas.ts';
import { parseUserName } from '../../../shared/domain/names.ts';
import { QUOTA_CEILING, QUOTA_KINDS, QUOTA_NAMES, quotaTrouble } from '../../../shared/domain/quota.ts';
import type { UserQuotas } from '../../domain/quotas.ts';
import type { User } from '../../domain/users.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { requireAgentsFor } from '../older-agents.ts';
import { userRoute, type Route } from '../route.ts';

/** `null`: the fleet's number again. */
const changesBody = z
  .partialRecord(z.enum(QUOTA_NAMES), z.number().int().min(0).max(QUOTA_CEILING).nullable())
  .refine((changes) => Object.keys(changes).length > 0, 'at least one quota is needed')
  .superRefine(refuseUselessQuotas);

function refuseUselessQuotas(changes: Parameters<typeof quotaTrouble>[0], context: z.RefinementCtx): void {
  const message = quotaTrouble(changes);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
}

export function quotaRoutes({ store, fleet, log }: ApiDeps): readonly Route[] {
  const find = async (name: string | undefined): Promise<User> => {
    const user = await store.userByName(parseUserName(name ?? ''));
    if (user === undefined) throw notFound('user');
    return user;
  };
  return [
    userRoute({
      method: 'GET',
      url: '/quotas',
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => view(user, await store.quotasOf(user.id)),
    }),
    userRoute({
      method: 'GET',
      url: '/users/:name/quotas',
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ params }) => {
        const user = await find(params['name']);
        return view(user, await store.quotasOf(user.id));
      },
    }),
    userRoute({
      method: 'PATCH',
      url: '/users/:name/quotas',
      auth: 'admin',
      action: 'user.manage',
      body: changesBody,
      handle: async ({ user: admin, params, body }) => {
        const user = await find(params['name']);
        if (typeof body.domainsPerApp === 'number') requireAgentsFor(body.domainsPerApp, fleet.nodes());
        const quotas = await store.setQuotas(user.id, body, admin.name);
        log.info({ user: user.name, by: admin.name, changes: body }, 'user.quotas_changed');
        return view(user, quotas);
      },
    }),
  ];
}

function view(user: User, { max, own, used }: UserQuotas): QuotasBody {
  const quotas = QUOTA_NAMES.map((name) => ({
    name,
    what: name === 'domainsPerApp' ? 'domains of one app' : QUOTA_KINDS[name].what,
    max: max[name],
    used: used[name],
    own: own[name] !== undefined,
  }));
  return { user: user.name, quotas };
}
