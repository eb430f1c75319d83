import type { App } from '../domain/apps.ts';
import type { DomainWhyFacts } from '../observe/why/why-domain.ts';
import type { ApiDeps } from './deps.ts';
import { nameHttps } from './operations/https.ts';
import { listCertificates } from './operations/certificates.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'clock' | 'log' | 'automaticCertificates'>;

/** The facts that explain how a domain is served. */
export async function domainWhyFacts(
  deps: Deps,
  { app, hostname }: { readonly app: App; readonly hostname: string },
): Promise<DomainWhyFacts> {
  const { store, fleet, clock, automaticCertificates } = deps;
  // The base domain matters only for the default name of the app, which is no domain.
  const states = await listCertificates(deps, { app, baseDomain: 'invalid' });
  const chosen = states.find(({ serves }) => serves.includes(hostname));
  const order = await store.certificateOrder(hostname);
  const revocations = (await store.revocations()).filter((one) => one.hostname === hostname);
  return {
    nowMs: clock.nowMs(),
    app: app.name,
    https: await nameHttps(deps, app, hostname),
    order,
    isDeployed: (await store.currentRelease(app.id)) !== undefined,
    leftOut: fleet.leftOutOfRoutes(app.id),
    redirect: await store.httpsRedirect(app.id),
    canonical: await store.canonicalName(app.id),
    certificate: chosen?.certificate,
    revocation:
      revocations.find(({ state }) => state !== 'revoked') ??
      revocations.find(({ fingerprint }) => fingerprint === chosen?.certificate.fingerprint),
    nodes: chosen?.served?.nodes ?? [],
    front: await automaticCertificates.warning(hostname),
  };
}
