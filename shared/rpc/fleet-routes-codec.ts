import { z } from 'zod';
import { isIPv4 } from 'node:net';
import {
  CERTIFICATE_NAMES_MAX,
  HOSTNAMES_MAX,
  PAGE_BYTES_MAX,
  settingsOf,
  type FleetApp,
  type FleetCertificate,
  type FleetRoutes,
  type FrontProxies,
  type HttpsRules,
  type MeshPeer,
  type RoutesUpdate,
} from '../domain/fleet-routes.ts';
import { FRONTS_SENT_MAX, isFront } from '../domain/front-proxies.ts';
import type { AppId, CertificateId, NodeId } from '../domain/ids.ts';
import * as field from './fields.ts';
import type { FleetApp as WireFleetApp } from './gen/slipway/v1/FleetApp.ts';
import type { FleetRoutes as WireFleetRoutes } from './gen/slipway/v1/FleetRoutes.ts';
import type { HttpsRules as WireHttpsRules } from './gen/slipway/v1/HttpsRules.ts';
import { epoch } from './schemas.ts';

const MAX_PEERS = 20_000;
const MAX_APPS = 50_000;
const MAX_REFUSED = 100_000;
const MAX_CERTIFICATES = 20_000;
const MAX_HSTS_AGE_S = 10 * 365 * 24 * 60 * 60;

/** The same on the wire and on the disk. */
const peer: z.ZodType<MeshPeer> = z
  .object({
    nodeId: field.id<NodeId>(),
    name: field.word,
    address: z.string().refine((value) => value === '' || isIPv4(value), 'is not an IPv4 address'),
    port: z.int().min(0).max(65_535),
    plainOnly: z.boolean().default(false),
  })
  .transform(({ plainOnly, ...rest }) => ({ ...rest, ...(plainOnly ? { plainOnly } : {}) }));

const appFields = {
  appId: field.id<AppId>(),
  app: field.appName,
  hostnames: z.array(field.domain).max(HOSTNAMES_MAX),
  nodeIds: z.array(field.id<NodeId>()).max(MAX_PEERS),
  maintenance: field.optional(
    z.object({ page: field.emptyIsAbsent<string>(z.string().max(PAGE_BYTES_MAX)).optional() }),
  ),
};

const hstsMaxAgeS = field.optional(z.int().min(0).max(MAX_HSTS_AGE_S));
const canonical = field.emptyIsAbsent<string>(field.domain);
const switches = {
  canonicalHttps: z.boolean().optional(),
  hstsIncludeSubdomains: z.boolean().optional(),
  hstsPreload: z.boolean().optional(),
};

const storedApp: z.ZodType<FleetApp> = z
  .object({
    ...appFields,
    https: z
      .object({
        redirected: z.array(field.domain).max(HOSTNAMES_MAX),
        hstsMaxAgeS: hstsMaxAgeS.optional(),
        canonical: canonical.optional(),
        ...switches,
      })
      .optional(),
  })
  .transform(withoutAbsent);

const sentApp: z.ZodType<FleetApp> = z
  .object({
    ...appFields,
    https: field.optional(
      z.object({ redirectedPositions: z.array(field.count).max(HOSTNAMES_MAX), hstsMaxAgeS, canonical, ...switches }),
    ),
  })
  .refine(
    ({ hostnames, https }) => (https?.redirectedPositions ?? []).every((position) => position < hostnames.length),
    'redirects a name that is not in the list',
  )
  .transform(({ https, ...entry }) => withoutAbsent({ ...entry, https: https && rulesOf(https, entry.hostnames) }));

interface SentRules extends Omit<HttpsRules, 'redirected'> {
  readonly redirectedPositions: readonly number[];
}

function rulesOf({ redirectedPositions, ...rules }: SentRules, hostnames: readonly string[]): HttpsRules {
  const positions = new Set(redirectedPositions);
  return { redirected: hostnames.filter((_name, position) => positions.has(position)), ...rules };
}

function withoutAbsent({ maintenance, https, ...entry }: FleetApp): FleetApp {
  return {
    ...entry,
    ...(maintenance === undefined ? {} : { maintenance }),
    ...(https === undefined ? {} : { https: withoutAbsentRules(https) }),
  };
}

function withoutAbsentRules(rules: HttpsRules): HttpsRules {
  const { redirected, hstsMaxAgeS: maxAgeS, canonical: name } = rules;
  return {
    redirected,
    ...(maxAgeS === undefined ? {} : { hstsMaxAgeS: maxAgeS }),
    ...(rules.hstsIncludeSubdomains === true ? { hstsIncludeSubdomains: true } : {}),
    ...(rules.hstsPreload === true ? { hstsPreload: true } : {}),
    ...(name === undefined ? {} : { canonical: name }),
    ...(rules.canonicalHttps === true ? { canonicalHttps: true } : {}),
  };
}

const certificate: z.ZodType<FleetCertificate> = z.object({
  id: field.id<CertificateId>(),
  fingerprint: field.fingerprint,
  names: z.array(field.domain).min(1).max(CERTIFICATE_NAMES_MAX),
});

/** Leaves out what this version does not allow. */
const fronts = z
  .array(z.string().max(64))
  .max(FRONTS_SENT_MAX)
  .transform((list) => list.filter(isFront));

const refused = z.array(field.serial).max(MAX_REFUSED);
const certificates = z.array(certificate).max(MAX_CERTIFICATES);
const head = { epoch, version: field.size, peers: z.array(peer).max(MAX_PEERS) };

/** The form on an agent's disk. Older agents stored no refused certificates, and no certificates of proxies. */
export const fleetRoutes: z.ZodType<FleetRoutes> = z
  .object({
    ...head,
    apps: z.array(storedApp).max(MAX_APPS),
    refused: refused.default([]),
    certificates: certificates.default([]),
    acmeThumbprint: field.thumbprint.optional(),
    fronts: z.object({ trusted: fronts, proxyProtocol: fronts }).optional(),
  })
  .transform(({ acmeThumbprint, fronts: stored, ...table }) => ({
    ...table,
    ...settingsOf({ acmeThumbprint, fronts: frontsField(stored) }),
  }));

export const routesUpdate: z.ZodType<RoutesUpdate> = z
  .object({
    ...head,
    apps: z.array(sentApp).max(MAX_APPS),
    refusedCertificates: refused,
    baseVersion: field.count,
    removedNodeIds: z.array(field.id<NodeId>()).max(MAX_PEERS),
    removedAppIds: z.array(field.id<AppId>()).max(MAX_APPS),
    sameAs: field.emptyIsAbsent<string>(field.word),
    certificates,
    removedCertificateIds: z.array(field.id<CertificateId>()).max(MAX_CERTIFICATES),
    acmeThumbprint: field.emptyIsAbsent<string>(field.thumbprint),
    trustedFronts: fronts,
    proxyProtocolFronts: fronts,
  })
  .transform(
    ({
      refusedCertificates,
      acmeThumbprint,
      trustedFronts: trusted,
      proxyProtocolFronts,
      ...update
    }): RoutesUpdate => ({
      ...update,
      refused: refusedCertificates,
      ...settingsOf({ acmeThumbprint, fronts: frontsField({ trusted, proxyProtocol: proxyProtocolFronts }) }),
    }),
  );

/** Empty lists are no setting, so that equal tables have equal text. */
function frontsField(sent: FrontProxies | undefined): FrontProxies | undefined {
  return sent === undefined || sent.trusted.length + sent.proxyProtocol.length === 0 ? undefined : sent;
}

export function encodeRoutes({ refused: refusedCertificates, fronts: own, ...update }: RoutesUpdate): WireFleetRoutes {
  return {
    ...update,
    refusedCertificates: [...refusedCertificates],
    peers: update.peers.map((one) => ({ ...one, plainOnly: one.plainOnly === true })),
    apps: update.apps.map(encodeApp),
    removedNodeIds: [...update.removedNodeIds],
    removedAppIds: [...update.removedAppIds],
    sameAs: update.sameAs ?? '',
    certificates: update.certificates.map((one) => ({ ...one, names: [...one.names] })),
    removedCertificateIds: [...update.removedCertificateIds],
    acmeThumbprint: update.acmeThumbprint ?? '',
    trustedFronts: [...(own?.trusted ?? [])],
    proxyProtocolFronts: [...(own?.proxyProtocol ?? [])],
  };
}

function encodeApp({ maintenance, https, ...entry }: FleetApp): WireFleetApp {
  return {
    ...entry,
    hostnames: [...entry.hostnames],
    nodeIds: [...entry.nodeIds],
    ...(maintenance === undefined ? {} : { maintenance: { page: maintenance.page ?? '' } }),
    ...(https === undefined ? {} : { https: encodeRules(https, entry.hostnames) }),
  };
}

function encodeRules(rules: HttpsRules, hostnames: readonly string[]): WireHttpsRules {
  const redirected = new Set(rules.redirected);
  return {
    redirectedPositions: hostnames.flatMap((name, position) => (redirected.has(name) ? [position] : [])),
    ...(rules.hstsMaxAgeS === undefined ? {} : { hstsMaxAgeS: rules.hstsMaxAgeS }),
    canonical: rules.canonical ?? '',
    canonicalHttps: rules.canonicalHttps === true,
    hstsIncludeSubdomains: rules.hstsIncludeSubdomains === true,
    hstsPreload: rules.hstsPreload === true,
  };
}
