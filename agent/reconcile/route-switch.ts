import { createHash } from 'node:crypto';
import { instanceName, type DesiredState } from '../../shared/domain/assignment.ts';
import { isPlainOnly, type FleetApp, type FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { EdgeCertificate } from '../certificates/port.ts';
import type { AppRoutes, Backend, Proxy } from '../proxy/port.ts';
import type { InstanceRuntime } from './runtime.ts';

/** At most this many other nodes of an app get requests from this node. */
const PEERS_MAX = 8;

export interface RouteSources {
  readonly desired: DesiredState;
  /** The route table of the fleet; absent before the first one. */
  readonly fleet: FleetRoutes | undefined;
  /** This node. */
  readonly self: string;
}

/** Before the first route table. */
const NO_PEERS: Pick<FleetRoutes, 'peers' | 'refused' | 'acmeThumbprint' | 'fronts'> = { peers: [], refused: [] };

/**
 * Pure: the routes that the proxy should have, from the desired state and the instances with an open gate. The entry of an app in the route
 * table comes first: the desired state has no custom domains, and may have the former name of an app that was renamed.
 */
export function routesOf(
  { desired, fleet, self }: RouteSources,
  backends: ReadonlyMap<string, readonly string[]>,
  instances: ReadonlyMap<string, InstanceRuntime>,
): readonly AppRoutes[] {
  const peers = new Map(fleet?.peers.map((peer) => [peer.nodeId, peer]));
  return namedApps(desired, fleet)
    .toSorted((a, b) => (a.app < b.app ? -1 : 1))
    .map(({ appId, app, hostnames, nodeIds = [], maintenance, https }) => ({
      app: parseAppName(app),
      appId,
      hostnames: [...new Set(hostnames)].sort(),
      backends: (backends.get(appId) ?? []).flatMap((id) => backendOf(instances.get(id))),
      peers: choosePeers(nodeIds, self).flatMap((nodeId) => peers.get(nodeId) ?? []),
      ...(maintenance === undefined ? {} : { maintenance }),
      ...https,
    }));
}

type NamedApp = Pick<FleetApp, 'appId' | 'app' | 'hostnames'> & Partial<FleetApp>;

/** Each app once. A name belongs to the app that has it in the route table: another app with it was destroyed or renamed. */
function namedApps(desired: DesiredState, fleet: FleetRoutes | undefined): readonly NamedApp[] {
  const entries = uniqueApps(fleet);
  const ids = new Set<string>(entries.map(({ appId }) => appId));
  const names = new Set<string>(entries.flatMap(({ app, hostnames }) => [app, ...hostnames]));
  const others = desired.routes.filter(
    ({ appId, app, hostname }) => !ids.has(appId) && !names.has(app) && !names.has(hostname),
  );
  const grouped = Map.groupBy(others, ({ appId }) => appId);
  const untabled = [...grouped].map(([appId, routes]) => ({
    appId,
    app: parseAppName(routes[0]?.app ?? ''),
    hostnames: routes.map(({ hostname }) => hostname),
  }));
  return [...entries, ...untabled];
}

/** The tables of older controllers can name an app twice. */
function uniqueApps(fleet: FleetRoutes | undefined): readonly FleetApp[] {
  return [...new Map((fleet?.apps ?? []).map((entry) => [entry.appId, entry])).values()];
}

/** Each node chooses other peers, so that no node gets the requests of all, and no node has connections to all. */
function choosePeers(nodeIds: readonly NodeId[], self: string): readonly NodeId[] {
  const others = nodeIds.filter((nodeId) => nodeId !== self);
  if (others.length <= PEERS_MAX) return others;
  const rank = (nodeId: string): string => createHash('sha256').update(`${self} ${nodeId}`).digest('hex');
  const ranked = others.map((nodeId) => ({ nodeId, at: rank(nodeId) })).sort((a, b) => (a.at < b.at ? -1 : 1));
  return ranked.slice(0, PEERS_MAX).map(({ nodeId }) => nodeId);
}

function backendOf(runtime: InstanceRuntime | undefined): Backend[] {
  const { assignment, sandbox } = runtime ?? {};
  if (runtime === undefined || assignment === undefined || sandbox?.port === undefined) return [];
  return [
    { id: runtime.instanceId, instanceName: instanceName(assignment), address: sandbox.address, port: sandbox.port },
  ];
}

export interface RouteSwitchDeps {
  readonly proxy: Proxy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Id of this node, which must not forward requests to itself. Absent: no route table contains this node. */
  readonly self?: string | undefined;
  /** The certificates of the route table whose files are right. */
  readonly certificates?: (() => readonly EdgeCertificate[]) | undefined;
  /** Called when the proxy has begun or ended to send requests to an instance. */
  readonly onMoved?: ((appId: AppId, instanceId: string, isIn: boolean) => void) | undefined;
}

/** Applies the planned routes to the proxy when they change. */
export class RouteSwitch {
  readonly #proxy: Proxy;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #failpoint: Failpoint;
  readonly #self: string;
  readonly #onMoved: RouteSwitchDeps['onMoved'];
  readonly #certificates: () => readonly EdgeCertificate[];
  #applied = '';
  #fleet: FleetRoutes | undefined;
  #waiting: (() => void)[] = [];

  constructor(deps: RouteSwitchDeps) {
    this.#self = deps.self ?? '';
    this.#onMoved = deps.onMoved;
    this.#certificates = deps.certificates ?? (() => []);
    this.#failpoint = deps.failpoint;
    this.#proxy = deps.proxy;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /**
   * Uses this route table from the next round on. Resolves when the proxy serves it or a newer one.
   * @param again applies it also when it is equal, because the proxy could not take all of it
   */
  follow(routes: FleetRoutes, again = false): Promise<void> {
    this.#fleet = routes;
    if (again) this.#applied = '';
    return new Promise((served) => this.#waiting.push(served));
  }

  /** @returns true when the routes of the proxy changed. After a failure, the next round tries again. */
  async apply(
    desired: DesiredState,
    backends: ReadonlyMap<string, readonly string[]>,
    instances: ReadonlyMap<string, InstanceRuntime>,
  ): Promise<boolean> {
    const fleet = this.#fleet;
    const routes = routesOf({ desired, fleet, self: this.#self }, backends, instances);
    const { peers: members, refused, acmeThumbprint, fronts } = fleet ?? NO_PEERS;
    const certificates = this.#certificates();
    const plainOnly = fleet !== undefined && isPlainOnly(fleet, this.#self);
    const wanted = { apps: routes, members, refused, certificates, acmeThumbprint, fronts, plainOnly };
    const text = JSON.stringify(wanted);
    if (text === this.#applied) {
      this.#resolveWaiting();
      return false;
    }
    const startedAtMs = this.#clock.monotonicMs();
    try {
      await this.#proxy.apply(wanted);
    } catch (error) {
      this.#applied = ''; // the proxy may have a part of these routes
      this.#log.error({ err: error }, 'proxy.apply_failed');
      throw error;
    }
    await this.#failpoint('agent.switched');
    this.#applied = text;
    if (fleet === this.#fleet) this.#resolveWaiting();
    const ids = new Set(routes.flatMap((route) => route.backends.map((backend) => backend.id)));
    const switchMs = this.#clock.monotonicMs() - startedAtMs;
    for (const runtime of instances.values()) this.#note(runtime, ids.has(runtime.instanceId), switchMs);
    return true;
  }

  #note(runtime: InstanceRuntime, isIn: boolean, switchMs: number): void {
    const wasIn = runtime.inProxy;
    runtime.inProxy = isIn;
    if (isIn && !wasIn) runtime.timingsMs['switch'] = switchMs;
    if (isIn) runtime.drained = false;
    if (isIn !== wasIn && runtime.appId !== undefined) this.#onMoved?.(runtime.appId, runtime.instanceId, isIn);
  }

  #resolveWaiting(): void {
    for (const served of this.#waiting.splice(0)) served();
  }
}
