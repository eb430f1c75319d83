import type { FrontProxies } from '../../../shared/domain/fleet-routes.ts';
import { HSTS_MAX_S } from '../../../shared/domain/hsts.ts';
import type { AppRoutes } from '../port.ts';
import { compare } from './compare.ts';
import type { PoolHttps, SlotTable, TableCertificate } from './slot-table.ts';

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** The rules of an app, for names that it has. */
export function planHttps(route: AppRoutes): { readonly https?: PoolHttps } {
  const https = rulesOf(route);
  return https === undefined ? {} : { https };
}

function rulesOf(route: AppRoutes): PoolHttps | undefined {
  const { hostnames, redirected = [], hstsMaxAgeS, canonical } = route;
  const own = new Set(hostnames);
  const names = [...new Set(redirected)].filter((name) => own.has(name)).sort(compare);
  const target = [...own].find((name) => name === canonical && !name.startsWith('*'));
  if (names.length === 0 && target === undefined && hstsMaxAgeS === undefined) return undefined;
  return {
    redirected: names,
    ...(hstsMaxAgeS === undefined ? {} : hstsOf(route, hstsMaxAgeS)),
    ...(target === undefined ? {} : canonicalOf(route, target)),
  };
}

function canonicalOf({ canonicalHttps }: AppRoutes, canonical: string): Omit<PoolHttps, 'redirected'> {
  return { canonical, ...(canonicalHttps === true ? { canonicalHttps } : {}) };
}

function hstsOf({ hstsIncludeSubdomains, hstsPreload }: AppRoutes, maxAgeS: number): Omit<PoolHttps, 'redirected'> {
  return {
    hstsMaxAgeS: Math.min(Math.max(Math.trunc(maxAgeS), 0), HSTS_MAX_S),
    ...(hstsIncludeSubdomains === true ? { hstsIncludeSubdomains: true } : {}),
    ...(hstsPreload === true ? { hstsPreload: true } : {}),
  };
}

export interface EdgePlan {
  /** True if the proxy can answer HTTPS. */
  readonly tls?: boolean | undefined;
  /** Certificates with usable files. */
  readonly certificates?: readonly TableCertificate[] | undefined;
  readonly acmeThumbprint?: string | undefined;
  readonly fronts?: FrontProxies | undefined;
}

/** The part of the table for clients with HTTPS. A name that is in several certificates belongs to the first. */
export function planEdge({
  tls = false,
  certificates = [],
  acmeThumbprint,
  fronts = { trusted: [], proxyProtocol: [] },
}: EdgePlan): Pick<SlotTable, 'tls' | 'certificates' | 'acmeThumbprint' | 'fronts'> {
  const taken = new Set<string>();
  const unique = certificates
    .toSorted((a, b) => compare(a.id, b.id))
    .map(({ id, fingerprint, names }) => {
      const own = [...new Set(names)].filter((name) => !taken.has(name)).sort(compare);
      for (const name of own) taken.add(name);
      return { id, fingerprint, names: own };
    });
  return {
    tls,
    fronts,
    certificates: unique.filter(({ names }) => names.length > 0),
    ...(acmeThumbprint !== undefined && THUMBPRINT.test(acmeThumbprint) ? { acmeThumbprint } : {}),
  };
}
