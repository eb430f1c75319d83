import { isId } from '../../../shared/domain/ids.ts';
import { isIpv4 } from '../../../shared/domain/ipv4.ts';
import { parseAppName, parseDomain, quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { MeshPeer } from '../../../shared/domain/fleet-routes.ts';
import type { AppRoutes, Backend } from '../port.ts';
import { asPeer, isReachable, planPeers } from './plan-peers.ts';
import { compare } from './compare.ts';
import { ownPages, pageBackend } from './own-pages.ts';
import { planEdge, planHttps, type EdgePlan } from './plan-https.ts';
import { serverName, type Pool, type Slot, type SlotTable } from './slot-table.ts';

export interface PlanInput extends EdgePlan {
  readonly table: SlotTable;
  readonly routes: readonly AppRoutes[];
  /** Server names of draining slots without open connections. */
  readonly idle: ReadonlySet<string>;
  readonly slotsPerBackend: number;
  /** Nodes of the fleet. Without a mesh there are none, and no request is forwarded. */
  readonly members?: readonly MeshPeer[] | undefined;
  /** Serials of certificates that are not accepted. */
  readonly refused?: readonly string[] | undefined;
}

export interface ProxyPlan {
  readonly table: SlotTable;
  /** Errors of invalid routes. Their apps keep their old routes. All other routes are in the table. */
  readonly errors: readonly SlipwayError[];
}

const BACKEND_ID = /^[a-z0-9]{1,64}$/;
const SERIAL = /^[0-9a-f]{2,64}$/;
const INSTANCE_NAME = /^[A-Za-z0-9_-]{1,63}\.[0-9]{1,9}$/;

/**
 * Assigns a slot to every wanted instance, and keeps existing slots. An instance that is no longer wanted drains, and its slot is free when it is
 * idle. A backend that an app no longer needs is not given to another app in the same step. So a host name of one app never leads to an
 * instance of another app.
 */
export function planSlots(input: PlanInput): ProxyPlan {
  const { routes, errors } = checkRoutes(input.routes, input.table);
  const taken = new Set(input.table.pools.map((pool) => pool.number));
  const wantedApps = new Map(routes.map((route) => [route.app as string, route]));
  const pools = keptPools(input, wantedApps);
  let number = 1;
  for (const route of wantedApps.values()) {
    while (taken.has(number)) number += 1;
    taken.add(number);
    const fresh: Pool = {
      number,
      app: route.app,
      appId: route.appId,
      hostnames: [],
      slotCount: input.slotsPerBackend,
      slots: [],
      peers: [],
    };
    pools.push(fillPool(fresh, route, []));
  }
  pools.sort((a, b) => a.number - b.number);
  const poolSize = grow(input.table.poolSize, pools.at(-1)?.number ?? 0);
  const refused = (input.refused ?? []).filter((serial) => SERIAL.test(serial)).sort(compare);
  const pages = ownPages(routes);
  const peers = planPeers(input.table, pools, input.members ?? []);
  return { table: { poolSize, pools, ...peers, refused, pages, ...planEdge(input) }, errors };
}

/** The backends of before, and what is wanted of them. Takes their routes out of `wanted`. */
function keptPools(input: PlanInput, wanted: Map<string, AppRoutes>): Pool[] {
  const byId = new Map([...wanted.values()].map((route) => [route.appId, route]));
  return input.table.pools.flatMap((pool) => {
    const route = pool.appId === undefined ? undefined : byId.get(pool.appId);
    const known = route ?? sameName(pool, wanted.get(pool.app));
    if (known !== undefined) wanted.delete(known.app);
    return planPool(pool, known, input) ?? [];
  });
}

/** An app keeps its backend when its name changes. Without both ids, only the name tells which app it is. */
function sameName({ appId }: Pool, route: AppRoutes | undefined): AppRoutes | undefined {
  return appId === undefined || route?.appId === undefined ? route : undefined;
}

/** A removed app keeps its backend until all connections are closed. */
function planPool(pool: Pool, route: AppRoutes | undefined, input: PlanInput): Pool | undefined {
  const busy = pool.slots.filter(
    (slot) => slot.state === 'active' || !input.idle.has(serverName(pool.number, slot.number)),
  );
  if (route !== undefined) return fillPool(pool, route, busy);
  const slots = busy.map((slot): Slot => ({ ...slot, state: 'draining' }));
  return slots.length === 0
    ? undefined
    : { ...pool, hostnames: [], slots, peers: [], page: undefined, https: undefined };
}

function fillPool(pool: Pool, route: AppRoutes, busy: readonly Slot[]): Pool {
  const wanted = new Map(route.backends.map((backend) => [backend.id, backend]));
  const slots = new Map<number, Slot>();
  for (const slot of busy) {
    const backend = wanted.get(slot.backend.id);
    wanted.delete(slot.backend.id);
    slots.set(
      slot.number,
      backend === undefined ? { ...slot, state: 'draining' } : { ...slot, state: 'active', backend },
    );
  }
  let number = 1;
  for (const backend of wanted.values()) {
    while (slots.has(number)) number += 1;
    slots.set(number, { number, state: 'active', backend });
  }
  const sorted = [...slots.values()].sort((a, b) => a.number - b.number);
  const { page: _page, https: _https, ...kept } = pool;
  return {
    ...kept,
    app: route.app,
    appId: route.appId,
    hostnames: [...route.hostnames],
    slotCount: grow(pool.slotCount, sorted.at(-1)?.number ?? 0),
    slots: sorted,
    peers: [...(route.peers ?? [])].map(asPeer),
    ...(route.maintenance === undefined || route.appId === undefined ? {} : { page: pageBackend(route.maintenance) }),
    ...planHttps(route),
  };
}

function grow(size: number, needed: number): number {
  return size >= needed ? size : grow(size * 2, needed);
}

/** Sorted, valid routes. An app with an invalid route keeps its routes in the table. */
function checkRoutes(routes: readonly AppRoutes[], table: SlotTable): { routes: AppRoutes[]; errors: SlipwayError[] } {
  const errors: SlipwayError[] = [];
  const checked: AppRoutes[] = [];
  const seen: Seen = { apps: new Set(), hostnames: new Set(), backends: new Set() };
  for (const route of routes.toSorted((a, b) => compare(a.app, b.app))) {
    try {
      checked.push(checkRoute(route, seen));
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      errors.push(error);
      const before = table.pools.find(({ app, appId }) => app === route.app && appId === route.appId);
      if (before !== undefined && !seen.apps.has(route.app)) checked.push(routeOf(before, seen, table.pages));
    }
    seen.apps.add(route.app);
  }
  return { routes: checked, errors };
}

interface Seen {
  readonly apps: Set<string>;
  readonly hostnames: Set<string>;
  readonly backends: Set<string>;
}

function checkRoute(route: AppRoutes, seen: Seen): AppRoutes {
  checkApp(route);
  if (seen.apps.has(route.app)) throw invalid(`The app ${route.app} has two sets of routes.`);
  const hostnames = [...new Set(route.hostnames.map(parseDomain))].sort(compare);
  const backends = route.backends.toSorted((a, b) => compare(a.id, b.id));
  for (const hostname of hostnames) {
    if (seen.hostnames.has(hostname))
      throw invalid(`The domain ${hostname} of the app ${route.app} belongs to another app already.`);
  }
  const ids = new Set(seen.backends);
  for (const backend of backends) {
    checkBackend(route, backend);
    if (ids.has(backend.id)) throw invalid(`The instance ${backend.id} of the app ${route.app} is routed twice.`);
    ids.add(backend.id);
  }
  for (const hostname of hostnames) seen.hostnames.add(hostname);
  for (const { id } of backends) seen.backends.add(id);
  return {
    app: route.app,
    appId: route.appId,
    hostnames,
    backends: backends.map(({ id, instanceName, address, port }) => ({ id, instanceName, address, port })),
    peers: (route.peers ?? []).filter(isReachable).toSorted((a, b) => compare(a.nodeId, b.nodeId)),
    maintenance: route.maintenance,
    redirected: route.redirected,
    hstsMaxAgeS: route.hstsMaxAgeS,
    hstsIncludeSubdomains: route.hstsIncludeSubdomains,
    hstsPreload: route.hstsPreload,
    canonical: route.canonical,
    canonicalHttps: route.canonicalHttps,
  };
}

function checkApp({ app, appId }: AppRoutes): void {
  parseAppName(app);
  if (appId !== undefined && !isId(appId)) throw invalid(`The app ${app} has no valid id.`);
}

function checkBackend(route: AppRoutes, backend: Backend): void {
  const valid =
    BACKEND_ID.test(backend.id) &&
    INSTANCE_NAME.test(backend.instanceName) &&
    isIpv4(backend.address) &&
    Number.isInteger(backend.port) &&
    backend.port > 0 &&
    backend.port < 65_536;
  if (!valid)
    throw invalid(
      `The app ${route.app} has an instance that cannot be routed: ${quoteInput(JSON.stringify(backend))}.`,
    );
}

function routeOf(pool: Pool, seen: Seen, pages: SlotTable['pages']): AppRoutes {
  const hostnames = pool.hostnames.filter((hostname) => !seen.hostnames.has(hostname));
  const backends = pool.slots.filter((slot) => slot.state === 'active').map((slot) => slot.backend);
  for (const hostname of hostnames) seen.hostnames.add(hostname);
  for (const { id } of backends) seen.backends.add(id);
  return {
    app: pool.app,
    appId: pool.appId,
    hostnames,
    backends,
    peers: pool.peers.map((peer) => ({ ...peer, name: '' }) as MeshPeer),
    maintenance: pool.page === undefined ? undefined : { page: pages.find(({ name }) => name === pool.page)?.html },
    ...pool.https,
  };
}

function invalid(message: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROXY_ROUTE',
    message,
    hint: 'The routes of this app do not change. See the node with: slipway status',
    kind: 'bug',
  });
}
