import { whyDomain } from '../../observe/why/why-domain.ts';
import type { ApiDeps } from '../deps.ts';
import { appHttps, nameHttps, requireDomain, setHttps, viewReason } from '../operations/https.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { domainWhyFacts } from '../why-domain-facts.ts';

export function httpsRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('readHttps', { auth: 'user', action: 'app.read', handle: ({ app }) => appHttps(deps, app) }),
    appRoute('setHttps', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body, signal }) => {
        const problems = await setHttps(deps, { app, user, change: body, signal });
        return { ...(await appHttps(deps, app)), problems };
      },
    }),
    ...domainRoutes(deps),
  ];
}

/** The handlers check who may see the domain. */
function domainRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('readDomainHttps', {
      auth: 'user',
      action: 'app.list',
      handle: async ({ user, params }) => {
        const { app, hostname } = await requireDomain(deps, { user, text: params.hostname, action: 'app.read' });
        return await nameHttps(deps, app, hostname);
      },
    }),
    userRoute('checkDomain', {
      auth: 'user',
      action: 'app.list',
      handle: async ({ user, params }) => {
        const { app, hostname } = await requireDomain(deps, { user, text: params.hostname, action: 'app.write' });
        const reason = await deps.automaticCertificates.check(hostname);
        const problem = reason === undefined ? {} : { problem: viewReason(reason, `slipway why ${hostname}`) };
        const front = await deps.automaticCertificates.warning(hostname);
        const warning = front === undefined ? {} : { warning: viewReason(front, `slipway why ${hostname}`) };
        return { hostname, ...problem, ...warning, https: await nameHttps(deps, app, hostname) };
      },
    }),
    userRoute('whyDomain', {
      auth: 'user',
      action: 'app.list',
      handle: async ({ user, params }) => {
        const named = await requireDomain(deps, { user, text: params.hostname, action: 'app.read' });
        return whyDomain(await domainWhyFacts(deps, named));
      },
    }),
  ];
}
