import type { ProblemBody } from '../../../shared/api/schema.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { viewRouting } from '../operation-views.ts';
import { addDomain, clearDomains, removeDomain, type DomainRouting } from '../operations/domains.ts';
import { nameHttps } from '../operations/https.ts';
import { appRoute, type Route } from '../route.ts';

export function domainRoutes({ baseDomain }: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listDomains', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => ({
        own: `${app.name}.${baseDomain}`,
        domains: (await deps.store.domainsOf(app.id)).map(({ appId: _appId, ...domain }) => domain),
        kept: (await deps.store.keptDomains(app.ownerId)).map(({ ownerId: _ownerId, ...kept }) => kept),
        canonical: await deps.store.canonicalName(app.id),
      }),
    }),
    appRoute('addDomain', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body, signal }) => {
        const { hostname: text, force: isForced } = body;
        const added = viewChange(await addDomain(deps, { app, user, signal, text, baseDomain, isForced }));
        return { ...added, https: await nameHttps(deps, app, added.hostname) };
      },
    }),
    appRoute('removeDomain', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params, signal }) =>
        viewChange(await removeDomain(deps, { app, user, signal, text: params.hostname })),
    }),
    appRoute('clearDomains', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, signal }) => viewChange(await clearDomains(deps, { app, user, signal })),
    }),
  ];
}

function viewChange<T extends { readonly routing: DomainRouting | undefined }>({
  routing,
  ...change
}: T): Omit<T, 'routing'> & { readonly problems: readonly ProblemBody[] } {
  return { ...change, problems: routing === undefined ? [] : viewRouting(routing) };
}
