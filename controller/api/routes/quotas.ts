import type { QuotasBody } from '../../../shared/api/quotas.ts';
import { QUOTA_KINDS, QUOTA_NAMES } from '../../../shared/domain/quota.ts';
import type { UserQuotas } from '../../domain/quotas.ts';
import type { User } from '../../domain/users.ts';
import type { ApiDeps } from '../deps.ts';
import { changeQuotas, findUser } from '../operations/users.ts';
import { userRoute, type Route } from '../route.ts';

export function quotaRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('showQuotas', {
      auth: 'user',
      action: 'account.read',
      handle: async ({ user }) => viewQuotas(user, await deps.store.quotasOf(user.id)),
    }),
    userRoute('showUserQuotas', {
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ params }) => {
        const user = await findUser(deps, params.name);
        return viewQuotas(user, await deps.store.quotasOf(user.id));
      },
    }),
    userRoute('changeUserQuotas', {
      auth: 'admin',
      action: 'user.manage',
      handle: async ({ user: by, params, body }) => {
        const user = await findUser(deps, params.name);
        return viewQuotas(user, await changeQuotas(deps, { user, changes: body, by }));
      },
    }),
  ];
}

function viewQuotas(user: User, { max, own, used }: UserQuotas): QuotasBody {
  const quotas = QUOTA_NAMES.map((name) => ({
    name,
    what: name === 'domainsPerApp' ? 'domains of one app' : QUOTA_KINDS[name].what,
    max: max[name],
    used: used[name],
    own: own[name] !== undefined,
  }));
  return { user: user.name, quotas };
}
