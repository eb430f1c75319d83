import { z } from 'zod';
import type { FrontProxies } from '../../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { AppName } from '../../../shared/domain/names.ts';
import type { Backend } from '../port.ts';

/** A server of a backend that is used by an instance. Free slots are not listed. */
export interface Slot {
  /** From 1, up to the pool's `slotCount`. */
  readonly number: number;
  /** `active`: gets new requests. `draining`: only completes its open requests. */
  readonly state: 'active' | 'draining';
  readonly backend: Backend;
}

/** Another node, as a server. */
export interface Peer {
  readonly nodeId: string;
  readonly address: string;
  readonly port: number;
}

/** A pre-rendered backend that belongs to an app. */
export interface Pool {
  /** From 1, up to the table's `poolSize`. */
  readonly number: number;
  readonly app: AppName;
  readonly appId?: AppId | undefined;
  readonly hostnames: readonly string[];
  readonly slotCount: number;
  readonly slots: readonly Slot[];
  /** Other nodes that serve the app, sorted. */
  readonly peers: readonly Peer[];
  /** The backend that answers the requests of clients while the app is in maintenance. */
  readonly page?: string | undefined;
  readonly https?: PoolHttps | undefined;
}

/** How the host names of an app use HTTPS. */
export interface PoolHttps {
  /** Host names whose plain requests get a redirect, sorted. */
  readonly redirected: readonly string[];
  readonly hstsMaxAgeS?: number | undefined;
  readonly hstsIncludeSubdomains?: boolean | undefined;
  readonly hstsPreload?: boolean | undefined;
  readonly canonical?: string | undefined;
  readonly canonicalHttps?: boolean | undefined;
}

/** A certificate whose file HAProxy can load. */
export interface TableCertificate {
  /** Also the name of its file. */
  readonly id: string;
  readonly fingerprint: string;
  /** The names that it is used for. Each name is in one certificate only. */
  readonly names: readonly string[];
}

/** A page that an owner gave for the maintenance of an app. */
export interface OwnPage {
  /** Name of its backend, and of its file. */
  readonly name: string;
  readonly html: string;
}

/** The backends of apps and the servers of instances. Files and commands are rendered from it. Pools and slots are sorted by number. */
export interface SlotTable {
  readonly poolSize: number;
  readonly pools: readonly Pool[];
  /** Peers with checks. A change of this list changes the layout and costs a reload; a change of their addresses does not. */
  readonly checked: readonly Peer[];
  /** Nodes whose requests are accepted: id and name, sorted. */
  readonly members: readonly (readonly [nodeId: string, name: string])[];
  /** Serials of certificates that are not accepted, sorted. */
  readonly refused: readonly string[];
  /** Sorted by name. A change of this list changes the layout and costs a reload, because HAProxy reads these files only then. */
  readonly pages: readonly OwnPage[];
  /** True if it answers HTTPS. A change costs a reload. */
  readonly tls: boolean;
  /** For clients, by id. */
  readonly certificates: readonly TableCertificate[];
  readonly acmeThumbprint?: string | undefined;
  /** Front proxies, of the route table and of the settings of this node. */
  readonly fronts: FrontProxies;
}

const NO_FRONTS: FrontProxies = { trusted: [], proxyProtocol: [] };

export function poolName(pool: number): string {
  return `pool_${String(pool).padStart(4, '0')}`;
}

/** Unique over all backends, so that a log line needs no backend name. */
export function serverName(pool: number, slot: number): string {
  return `${poolName(pool)}_s${String(slot)}`;
}

export function emptyTable(poolSize: number): SlotTable {
  const none = { pools: [], checked: [], members: [], refused: [], pages: [], certificates: [] };
  return { poolSize, ...none, tls: false, fronts: NO_FRONTS };
}

/** HAProxy workers of older agents have this prefix in their configuration, so it must stay. */
export const PEER_POOL_PREFIX = 'far_';

/** The HAProxy backend of an app's peers. Only the public port leads to it, so no request is forwarded twice. */
export function peerPoolName(pool: number): string {
  return `${PEER_POOL_PREFIX}${String(pool).padStart(4, '0')}`;
}

/** A peer as a server of an app. */
export interface PeerServer {
  readonly name: string;
  readonly peer: Peer;
  /** HAProxy uses it only if all others count as down: see docs/design/0009-mesh.md. */
  readonly isBackup: boolean;
}

/** If all peers of an app seem down, this node is slow or all of them are busy. So requests may go to any of them. */
const BACKUPS_MAX = 2;

/** Each peer once, and the first of them again as backups. */
export function peerServers({ number, peers }: Pick<Pool, 'number' | 'peers'>): readonly PeerServer[] {
  const name = peerPoolName(number);
  const servers = peers.map((peer) => ({ name: `${name}_${peer.nodeId}`, peer, isBackup: false }));
  const backups = peers
    .slice(0, BACKUPS_MAX)
    .map((peer) => ({ name: `${name}_${peer.nodeId}_b`, peer, isBackup: true }));
  return [...servers, ...backups];
}

/** The slot of an instance, or `undefined`. */
export function findSlot(
  table: SlotTable,
  backendId: string,
): { readonly pool: Pool; readonly slot: Slot } | undefined {
  for (const pool of table.pools) {
    const slot = pool.slots.find((each) => each.backend.id === backendId);
    if (slot !== undefined) return { pool, slot };
  }
  return undefined;
}

/** The table without a draining instance; an active one stays. */
export function withoutDraining(table: SlotTable, backendId: string): SlotTable {
  const pools = table.pools.map((pool) => ({
    ...pool,
    slots: pool.slots.filter((slot) => slot.state === 'active' || slot.backend.id !== backendId),
  }));
  return { ...table, pools };
}

const SLOT = z.strictObject({
  number: z.int().min(1),
  state: z.enum(['active', 'draining']),
  backend: z.strictObject({ id: z.string(), instanceName: z.string(), address: z.string(), port: z.int() }),
});
const PEER = z.strictObject({ nodeId: z.string(), address: z.string(), port: z.int() });
const POOL = z.strictObject({
  number: z.int().min(1),
  app: z.string(),
  appId: z.string().optional(),
  hostnames: z.array(z.string()),
  slotCount: z.int().min(1),
  slots: z.array(SLOT),
  peers: z.array(PEER).default([]),
  page: z.string().optional(),
  https: z
    .strictObject({
      redirected: z.array(z.string()),
      hstsMaxAgeS: z.int().optional(),
      hstsIncludeSubdomains: z.boolean().optional(),
      hstsPreload: z.boolean().optional(),
      canonical: z.string().optional(),
      canonicalHttps: z.boolean().optional(),
    })
    .optional(),
});
const TABLE = z.strictObject({
  version: z.literal(1),
  poolSize: z.int().min(1),
  pools: z.array(POOL),
  checked: z.array(PEER).default([]),
  members: z.array(z.tuple([z.string(), z.string()])).default([]),
  refused: z.array(z.string()).default([]),
  pages: z.array(z.strictObject({ name: z.string(), html: z.string() })).default([]),
  tls: z.boolean().default(false),
  certificates: z
    .array(z.strictObject({ id: z.string(), fingerprint: z.string(), names: z.array(z.string()) }))
    .default([]),
  acmeThumbprint: z.string().optional(),
  fronts: z
    .strictObject({ trusted: z.array(z.string()), proxyProtocol: z.array(z.string()) })
    .default({ trusted: [], proxyProtocol: [] }),
});

export function serializeTable(table: SlotTable): string {
  return `${JSON.stringify({ version: 1, ...table })}\n`;
}

/** `undefined` for an invalid table. */
export function parseTable(text: string): SlotTable | undefined {
  try {
    const { version: _, pools, ...rest } = TABLE.parse(JSON.parse(text));
    return {
      ...rest,
      pools: pools.map((pool) => ({ ...pool, app: pool.app as AppName, appId: pool.appId as AppId | undefined })),
    };
  } catch {
    return undefined; // a damaged table is rebuilt from the routes, and the process is reloaded
  }
}
