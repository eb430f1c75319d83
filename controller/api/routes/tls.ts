import type { ApiDeps } from '../deps.ts';
import { addDnsProvider, listDnsProviders, removeDnsProvider } from '../operations/dns-providers.ts';
import { readTls, setTls } from '../operations/tls.ts';
import { userRoute, type Route } from '../route.ts';

export function tlsRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('readTls', { auth: 'admin', action: 'controller.manage', handle: () => readTls(deps) }),
    userRoute('setTls', {
      auth: 'admin',
      action: 'controller.manage',
      handle: ({ user, body }) => setTls(deps, user, body),
    }),
    userRoute('listDnsProviders', {
      auth: 'admin',
      action: 'controller.manage',
      handle: async () => ({ providers: await listDnsProviders(deps) }),
    }),
    userRoute('addDnsProvider', {
      auth: 'admin',
      action: 'controller.manage',
      handle: ({ user, body }) => addDnsProvider(deps, user, body),
    }),
    userRoute('removeDnsProvider', {
      auth: 'admin',
      action: 'controller.manage',
      handle: ({ user, params }) => removeDnsProvider(deps, user, params.provider),
    }),
  ];
}
