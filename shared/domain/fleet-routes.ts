import { createHash } from 'node:crypto';
import type { Epoch } from './assignment.ts';
import type { AppId, CertificateId, NodeId } from './ids.ts';
import type { AppName } from './names.ts';

/** Most names of one app in the table. An agent refuses the whole table when an app has more, so the controller leaves out the others. */
export const HOSTNAMES_MAX = 10_000;

/** The same for agents that do not report how many they read. */
export const OLDER_HOSTNAMES_MAX = 1_000;

/** A node of the fleet, as other nodes see it. */
export interface MeshPeer {
  readonly nodeId: NodeId;
  readonly name: string;
  /** IPv4 address and port of its proxy for requests from other nodes. Empty and 0: it takes none. */
  readonly address: string;
  readonly port: number;
  /** It answers no HTTPS, and holds no keys of certificates for clients. */
  readonly plainOnly?: true | undefined;
}

/** The nodes and host names of an app. */
export interface FleetApp {
  readonly appId: AppId;
  readonly app: AppName;
  /** Sorted. `*.example.com` matches every name with one more label that no app has. */
  readonly hostnames: readonly string[];
  /** Nodes with live web instances of it, sorted. */
  readonly nodeIds: readonly NodeId[];
  /** Present while the app is in maintenance: every proxy answers its requests with status 503. */
  readonly maintenance?: Maintenance | undefined;
  /** Absent: its plain requests are not redirected. */
  readonly https?: HttpsRules | undefined;
}

export interface HttpsRules {
  /** Host names of the app whose plain requests get status 308. In the order of `hostnames`. */
  readonly redirected: readonly string[];
  /** Strict-Transport-Security of the answers of redirected names over https; absent: no such header. */
  readonly hstsMaxAgeS?: number | undefined;
  readonly hstsIncludeSubdomains?: boolean | undefined;
  readonly hstsPreload?: boolean | undefined;
  /** The name to which requests for the other names of the app are redirected. */
  readonly canonical?: string | undefined;
  /** Every node serves the certificate of the canonical name: requests over https are redirected to it too. */
  readonly canonicalHttps?: boolean | undefined;
}

export interface Maintenance {
  /** HTML of the owner; absent: the page of the proxy. */
  readonly page?: string | undefined;
}

/** Most bytes of the own maintenance page of an app. */
export const PAGE_BYTES_MAX = 64 * 1024;

/** Most names of one certificate in the table, and most characters of them. HAProxy reads them as one line of at most 64 kB and 2048 words. */
export const CERTIFICATE_NAMES_MAX = 1_000;
export const CERTIFICATE_NAMES_LENGTH_MAX = 32 * 1024;

/** A certificate that every node serves. Nodes fetch it with its key from the controller. */
export interface FleetCertificate {
  /** Also the name of its file on nodes. It stays the same when the certificate is renewed. */
  readonly id: CertificateId;
  /** SHA-256 of the certificate (DER), hexadecimal, lower case. */
  readonly fingerprint: string;
  /** Sorted, lower case. `*.example.com` matches names with one more label. */
  readonly names: readonly string[];
}

/** Addresses and networks in front of the nodes, in the form of `front-proxies.ts`, sorted. */
export interface FrontProxies {
  /** Their X-Forwarded-* headers count. Those of all other senders are replaced. */
  readonly trusted: readonly string[];
  /** Their connections begin with a PROXY protocol header that has the address of the client. */
  readonly proxyProtocol: readonly string[];
}

/** The route table of the fleet: the host names of each app, and the nodes that serve them. */
export interface FleetRoutes {
  readonly epoch: Epoch;
  /** Grows with every change. It starts again with each epoch. */
  readonly version: number;
  /** Every member of the fleet, by node id. */
  readonly peers: readonly MeshPeer[];
  /** By app id. */
  readonly apps: readonly FleetApp[];
  /** Serials of certificates that were revoked or replaced by a rejoin, sorted. A node that shows one of them is refused. */
  readonly refused: readonly string[];
  /** By id. */
  readonly certificates: readonly FleetCertificate[];
  /** Thumbprint (RFC 8555 8.1) of the account key of the fleet. With it, every node answers HTTP-01 challenges. */
  readonly acmeThumbprint?: string | undefined;
  /** Absent: there are none. */
  readonly fronts?: FrontProxies | undefined;
}

/** A change of the table, or all of it. */
export interface RoutesUpdate extends FleetRoutes {
  /** The version that the change starts from; 0: this update is the whole table. */
  readonly baseVersion: number;
  readonly removedNodeIds: readonly NodeId[];
  readonly removedAppIds: readonly AppId[];
  readonly removedCertificateIds: readonly CertificateId[];
  /** The table is equal to the one with this digest, and is not repeated here. */
  readonly sameAs: string | undefined;
}

/** The name in the certificate of a node for other nodes. `.internal` does not exist on the internet. */
export function meshNameOf(nodeId: string): string {
  return `${nodeId}.mesh.slipway.internal`;
}

export function fullTableUpdate(table: FleetRoutes): RoutesUpdate {
  const removed = { removedNodeIds: [], removedAppIds: [], removedCertificateIds: [] };
  return { ...table, baseVersion: 0, ...removed, sameAs: undefined };
}

/** Equal for equal content, in any epoch and version. */
export function routesDigest(table: Omit<FleetRoutes, 'epoch' | 'version'>): string {
  const { peers, apps, refused, certificates, acmeThumbprint, fronts } = table;
  const content = [
    peers.map(({ nodeId, name, address, port, plainOnly }) => [
      ...[nodeId, name, address, port],
      ...(plainOnly === true ? [true] : []),
    ]),
    // Without maintenance and HTTPS, the digest is the one of older agents.
    apps.map(({ appId, app, hostnames, nodeIds, maintenance, https }) => [
      ...[appId, app, hostnames, nodeIds],
      ...(maintenance === undefined ? [] : [maintenance.page ?? '']),
      ...(https === undefined ? [] : [rulesContent(https)]),
    ]),
    refused.toSorted(),
    ...(certificates.length === 0 ? [] : [certificates.map(({ id, fingerprint, names }) => [id, fingerprint, names])]),
    ...(acmeThumbprint === undefined ? [] : [acmeThumbprint]),
    ...(fronts === undefined ? [] : [[fronts.trusted, fronts.proxyProtocol]]),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url');
}

function rulesContent(rules: HttpsRules): readonly unknown[] {
  const { redirected, hstsMaxAgeS = -1, canonical = '' } = rules;
  const switches = [rules.canonicalHttps, rules.hstsIncludeSubdomains, rules.hstsPreload].map(
    (value) => value === true,
  );
  return [redirected, hstsMaxAgeS, canonical, ...(switches.includes(true) ? switches : [])];
}

/** The table as it is stored by an agent that does not know certificates. */
export function withoutCertificates({ acmeThumbprint: _, ...table }: FleetRoutes): FleetRoutes {
  return { ...table, apps: table.apps.map(({ https: _rules, ...app }) => app), certificates: [] };
}

/** The table as it is stored by an agent that knows neither front proxies nor nodes without HTTPS. */
export function withoutEdgeSettings({ fronts: _, ...table }: FleetRoutes): FleetRoutes {
  return { ...table, peers: table.peers.map(({ plainOnly: _plain, ...peer }) => peer) };
}

/** The table as a node uses it: without certificates, when it answers no HTTPS. */
export function tableOfNode(table: FleetRoutes, nodeId: string): FleetRoutes {
  return isPlainOnly(table, nodeId) ? { ...table, certificates: [] } : table;
}

export function isPlainOnly({ peers }: Pick<FleetRoutes, 'peers'>, nodeId: string): boolean {
  return peers.some((peer) => peer.nodeId === nodeId && peer.plainOnly === true);
}

/** For an agent that already has the table. It saves a large transfer when a whole fleet reconnects. */
export function unchangedTableUpdate({ epoch, version }: FleetRoutes, digest: string): RoutesUpdate {
  const none = { peers: [], apps: [], refused: [], certificates: [] };
  return { ...fullTableUpdate({ epoch, version, ...none }), sameAs: digest };
}

/** The update from one table to the next, without equal entries. */
export function routesBetween(before: FleetRoutes, after: FleetRoutes): RoutesUpdate {
  const peers = changes(before.peers, after.peers, (peer) => peer.nodeId);
  const apps = changes(before.apps, after.apps, (app) => app.appId);
  const certificates = changes(before.certificates, after.certificates, ({ id }) => id);
  return {
    epoch: after.epoch,
    version: after.version,
    baseVersion: before.version,
    peers: peers.changed,
    apps: apps.changed,
    removedNodeIds: peers.removed,
    removedAppIds: apps.removed,
    certificates: certificates.changed,
    removedCertificateIds: certificates.removed,
    ...settingsOf(after),
    refused: after.refused.filter((serial) => !before.refused.includes(serial)),
    sameAs: undefined,
  };
}

/** The table after an update. */
export function withUpdate(table: FleetRoutes, update: RoutesUpdate): FleetRoutes {
  const { epoch, version } = update;
  if (update.sameAs !== undefined) return { ...table, epoch, version };
  const settings = settingsOf(update);
  if (update.baseVersion === 0) {
    const { peers, apps, refused, certificates } = update;
    return { epoch, version, peers, apps, refused, certificates, ...settings };
  }
  return {
    epoch,
    version,
    peers: merged(table.peers, update.peers, { keyOf: (peer) => peer.nodeId, removed: update.removedNodeIds }),
    apps: merged(table.apps, update.apps, { keyOf: (app) => app.appId, removed: update.removedAppIds }),
    refused: [...new Set([...table.refused, ...update.refused])].sort(),
    certificates: merged(table.certificates, update.certificates, {
      keyOf: ({ id }) => id,
      removed: update.removedCertificateIds,
    }),
    ...settings,
  };
}

/** The parts that every update has whole. */
export function settingsOf({
  acmeThumbprint,
  fronts,
}: Pick<FleetRoutes, 'acmeThumbprint' | 'fronts'>): Pick<FleetRoutes, 'acmeThumbprint' | 'fronts'> {
  return { ...(acmeThumbprint === undefined ? {} : { acmeThumbprint }), ...(fronts === undefined ? {} : { fronts }) };
}

/** True when a table differs from the one before in nothing that nodes use. */
export function isSameContent(before: FleetRoutes, after: FleetRoutes, update: RoutesUpdate): boolean {
  const { peers, apps, refused, certificates, removedNodeIds, removedAppIds, removedCertificateIds } = update;
  const parts = [peers, apps, refused, certificates, removedNodeIds, removedAppIds, removedCertificateIds];
  const isSameList = parts.every((part) => part.length === 0);
  return isSameList && JSON.stringify(settingsOf(before)) === JSON.stringify(settingsOf(after));
}

function changes<T, K extends string>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (entry: T) => K,
): { changed: T[]; removed: K[] } {
  const known = new Map(before.map((entry) => [keyOf(entry), JSON.stringify(entry)]));
  const changed = after.filter((entry) => known.get(keyOf(entry)) !== JSON.stringify(entry));
  for (const entry of after) known.delete(keyOf(entry));
  return { changed, removed: [...known.keys()] };
}

function merged<T, K extends string>(
  before: readonly T[],
  changed: readonly T[],
  { keyOf, removed }: { readonly keyOf: (entry: T) => K; readonly removed: readonly K[] },
): readonly T[] {
  const entries = new Map(before.map((entry) => [keyOf(entry), entry]));
  for (const key of removed) entries.delete(key);
  for (const entry of changed) entries.set(keyOf(entry), entry);
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
