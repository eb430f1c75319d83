import { z } from 'zod';
import { isIPv4 } from 'node:net';
import {
  HOSTNAMES_MAX,
  PAGE_BYTES_MAX,
  type FleetApp,
  type FleetRoutes,
  type MeshPeer,
  type RoutesUpdate,
} from '../domain/fleet-routes.ts';
import type { AppId, NodeId } from '../domain/ids.ts';
import * as field from './fields.ts';
import type { FleetApp as WireFleetApp } from './gen/slipway/v1/FleetApp.ts';
import type { FleetRoutes as WireFleetRoutes } from './gen/slipway/v1/FleetRoutes.ts';
import { epoch } from './schemas.ts';

const MAX_PEERS = 20_000;
const MAX_APPS = 50_000;
const MAX_REFUSED = 100_000;

const peer: z.ZodType<MeshPeer> = z.object({
  nodeId: field.id<NodeId>(),
  name: field.word,
  address: z.string().refine((value) => value === '' || isIPv4(value), 'is not an IPv4 address'),
  port: z.int().min(0).max(65_535),
});

const app: z.ZodType<FleetApp> = z
  .object({
    appId: field.id<AppId>(),
    app: field.appName,
    hostnames: z.array(field.domain).max(HOSTNAMES_MAX),
    nodeIds: z.array(field.id<NodeId>()).max(MAX_PEERS),
    maintenance: field.optional(
      z.object({ page: field.emptyIsAbsent<string>(z.string().max(PAGE_BYTES_MAX)).optional() }),
    ),
  })
  .transform(({ maintenance, ...entry }) => (maintenance === undefined ? entry : { ...entry, maintenance }));

const refused = z.array(field.serial).max(MAX_REFUSED);
const entries = { epoch, version: field.size, peers: z.array(peer).max(MAX_PEERS), apps: z.array(app).max(MAX_APPS) };

/** The form on an agent's disk. Older agents stored no refused certificates. */
export const fleetRoutes: z.ZodType<FleetRoutes> = z.object({ ...entries, refused: refused.default([]) });

export const routesUpdate: z.ZodType<RoutesUpdate> = z
  .object({
    ...entries,
    refusedCertificates: refused,
    baseVersion: field.count,
    removedNodeIds: z.array(field.id<NodeId>()).max(MAX_PEERS),
    removedAppIds: z.array(field.id<AppId>()).max(MAX_APPS),
    sameAs: field.emptyIsAbsent<string>(field.word),
  })
  .transform(({ refusedCertificates, ...update }): RoutesUpdate => ({ ...update, refused: refusedCertificates }));

export function encodeRoutes({ refused: refusedCertificates, ...update }: RoutesUpdate): WireFleetRoutes {
  return {
    ...update,
    refusedCertificates: [...refusedCertificates],
    peers: [...update.peers],
    apps: update.apps.map(encodeApp),
    removedNodeIds: [...update.removedNodeIds],
    removedAppIds: [...update.removedAppIds],
    sameAs: update.sameAs ?? '',
  };
}

function encodeApp({ maintenance, ...entry }: FleetApp): WireFleetApp {
  return {
    ...entry,
    hostnames: [...entry.hostnames],
    nodeIds: [...entry.nodeIds],
    ...(maintenance === undefined ? {} : { maintenance: { page: maintenance.page ?? '' } }),
  };
}
