import type { ApiConfig, ApiDeps } from '../deps.ts';
import { addDomain, clearDomains, removeDomain } from '../operations/domains.ts';
import { appRoute, type Route } from '../route.ts';

export function domainRoutes({ baseDomain }: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listDomains', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => ({
        own: `${app.name}.${baseDomain}`,
        domains: (await deps.store.domainsOf(app.id)).map(({ hostname, createdAtMs }) => ({ hostname, createdAtMs })),
      }),
    }),
    appRoute('addDomain', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body, signal }) => addDomain(deps, { app, user, signal, text: body.hostname, baseDomain }),
    }),
    appRoute('removeDomain', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, params, signal }) => removeDomain(deps, { app, user, signal, text: params.hostname }),
    }),
    appRoute('clearDomains', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, signal }) => clearDomains(deps, { app, user, signal }),
    }),
  ];
}
