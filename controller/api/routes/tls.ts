import type { ApiDeps } from '../deps.ts';
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
  ];
}
