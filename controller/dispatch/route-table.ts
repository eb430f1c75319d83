import { isRouted } from '../../shared/domain/assignment.ts';
import { HOSTNAMES_MAX, type FleetApp, type HttpsRules, type MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { Hsts } from '../../shared/domain/hsts.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceState } from '../../shared/domain/instance.ts';
import type { NodeState } from '../../shared/domain/states.ts';
import type { RoutedApp } from '../domain/domains.ts';
import type { RunningRow } from '../domain/assignments.ts';
import type { RouteTableRow } from './limit-route-table.ts';

// Builds the fleet's route table from database rows and reported states. Pure: equal input in any order gives an equal table.

export interface RouteTableInput {
  /** The last reported state; undefined when this controller process has received no report of the instance. */
  readonly instanceState: (instance: InstanceId) => InstanceState | undefined;
  /** A live instance may be not ready. Default: every live instance is ready. */
  readonly isReady?: ((instance: InstanceId) => boolean) | undefined;
  readonly nodeState: (node: NodeId) => NodeState | undefined;
  /** Instances that are about to stop. They get requests only when no other instance serves the app. */
  readonly leaving: ReadonlySet<InstanceId>;
  /** The default hostname of an app is `<app>.<baseDomain>`. */
  readonly baseDomain: string;
}

/** The row of an app; empty when the app was never deployed. */
export function routeTableRows(
  app: RoutedApp,
  rows: readonly RunningRow[],
  input: RouteTableInput,
): readonly RouteTableRow[] {
  const entry = routeTableEntry(app, rows, input);
  const { createdAtMs, redirects, canonical, hsts } = app;
  return entry === undefined ? [] : [{ entry, createdAtMs, rules: { redirects, canonical, hsts } }];
}

/** The entry of an app; undefined when the app was never deployed. */
export function routeTableEntry(
  app: RoutedApp,
  rows: readonly RunningRow[],
  input: RouteTableInput,
): FleetApp | undefined {
  const wanted = rows.filter((row) => isRouted(row) && row.desired === 'run');
  if (app.release === undefined && wanted.length === 0) return undefined;
  const serving = preferred(servingRows(app, wanted, input), (row) => !input.leaving.has(row.instanceId));
  const nodes = preferred([...new Set(serving.map((row) => row.nodeId))], (node) => input.nodeState(node) === 'ready');
  return {
    appId: app.appId,
    app: app.app,
    hostnames: [...new Set([`${app.app}.${input.baseDomain}`, ...app.domains])].slice(0, HOSTNAMES_MAX).sort(),
    nodeIds: nodes.filter((node) => isMember(input.nodeState(node))).sort(),
    ...(app.maintenance === undefined ? {} : { maintenance: app.maintenance }),
  };
}

/** The rows with their rules for HTTPS. @param secureNames the names whose certificate every node served */
export function withHttpsRules(
  rows: readonly RouteTableRow[],
  secureNames: ReadonlySet<string>,
): readonly RouteTableRow[] {
  return rows.map(({ entry: { https: _former, ...entry }, ...row }) => {
    const https = httpsRules(entry.hostnames, row.rules, secureNames);
    return { ...row, entry: https === undefined ? entry : { ...entry, https } };
  });
}

function httpsRules(
  hostnames: readonly string[],
  { redirects, canonical: wanted, hsts }: NonNullable<RouteTableRow['rules']> = {},
  secureNames: ReadonlySet<string>,
): HttpsRules | undefined {
  const redirected = redirects === false ? [] : hostnames.filter((name) => secureNames.has(name));
  const canonical = hostnames.find((name) => name === wanted);
  if (redirected.length === 0 && canonical === undefined) return undefined;
  return {
    redirected,
    // A browser with HSTS shows no page of a node without the certificate. So the names are those that are redirected.
    ...(hsts === undefined || redirected.length === 0 ? {} : hstsRules(hsts)),
    ...(canonical === undefined ? {} : { canonical }),
    ...(canonical !== undefined && secureNames.has(canonical) ? { canonicalHttps: true } : {}),
  };
}

function hstsRules({ maxAgeS, includeSubdomains, preload }: Hsts): Omit<HttpsRules, 'redirected'> {
  return {
    hstsMaxAgeS: maxAgeS,
    ...(includeSubdomains ? { hstsIncludeSubdomains: true } : {}),
    ...(preload ? { hstsPreload: true } : {}),
  };
}

/** A revoked node stays a member, but other nodes send it no requests, because its certificate is not accepted any more. */
export function meshPeer(node: {
  readonly id: NodeId;
  readonly name: string;
  readonly revoked: boolean;
  readonly facts: { readonly meshAddress?: string | undefined };
  /** It may answer HTTPS and hold keys. Default: it may. */
  readonly isEdge?: boolean | undefined;
}): MeshPeer {
  const meshAddress = node.revoked ? '' : (node.facts.meshAddress ?? '');
  const [, address = '', port = '0'] = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(meshAddress) ?? [];
  const plain = node.isEdge === false ? ({ plainOnly: true } as const) : {};
  return { nodeId: node.id, name: node.name, address, port: Number(port), ...plain };
}

/**
 * The live instances that are ready. An app without one has no node, and its requests get 503. Right after a start of the controller some instances have no reported state yet. Those of the current release then
 * count as live. If none remain, all instances without a report count, because they most likely still serve.
 */
function servingRows(app: RoutedApp, wanted: readonly RunningRow[], input: RouteTableInput): readonly RunningRow[] {
  const unknown = wanted.filter((row) => input.instanceState(row.instanceId) === undefined);
  const isReady = input.isReady ?? (() => true);
  const live = wanted.filter((row) => input.instanceState(row.instanceId) === 'live' && isReady(row.instanceId));
  const likely = [...live, ...unknown.filter((row) => row.release === app.release)];
  return likely.length > 0 ? likely : unknown;
}

/** The items that match, or all items when none matches. */
function preferred<T>(all: readonly T[], matches: (item: T) => boolean): readonly T[] {
  const best = all.filter(matches);
  return best.length > 0 ? best : all;
}

function isMember(state: NodeState | undefined): boolean {
  return state !== undefined && state !== 'removed';
}
