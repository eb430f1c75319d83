import { instanceName, type DesiredState } from '../../shared/domain/assignment.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { AppRoutes, Backend, Proxy } from '../proxy/port.ts';
import type { InstanceRuntime } from './runtime.ts';

/** Pure: the routes that the proxy should have, from what is wanted and which gates are open. */
export function routesOf(
  desired: DesiredState,
  backends: ReadonlyMap<string, readonly string[]>,
  instances: ReadonlyMap<string, InstanceRuntime>,
): readonly AppRoutes[] {
  const hostnames = new Map<string, string[]>();
  for (const route of desired.routes) hostnames.set(route.app, [...(hostnames.get(route.app) ?? []), route.hostname]);
  return [...hostnames.keys()].sort().map((app) => ({
    app: parseAppName(app),
    hostnames: [...new Set(hostnames.get(app))].sort(),
    backends: (backends.get(app) ?? []).flatMap((id) => backendOf(instances.get(id))),
  }));
}

function backendOf(runtime: InstanceRuntime | undefined): Backend[] {
  const { assignment, sandbox } = runtime ?? {};
  if (runtime === undefined || assignment === undefined || sandbox?.port === undefined) return [];
  return [{ id: runtime.instanceId, instanceName: instanceName(assignment), address: sandbox.address, port: sandbox.port }];
}

/** Keeps the proxy at the planned routes and remembers what it has. */
export class RouteSwitch {
  readonly #proxy: Proxy;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #failpoint: Failpoint;
  #applied = '';

  constructor(deps: { readonly proxy: Proxy; readonly clock: Clock; readonly log: Logger; readonly failpoint: Failpoint }) {
    this.#failpoint = deps.failpoint;
    this.#proxy = deps.proxy;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** True when the proxy's routes changed. A failure keeps the old routes and is tried again in the next round. */
  async apply(
    desired: DesiredState,
    backends: ReadonlyMap<string, readonly string[]>,
    instances: ReadonlyMap<string, InstanceRuntime>,
  ): Promise<boolean> {
    const routes = routesOf(desired, backends, instances);
    const text = JSON.stringify(routes);
    if (text === this.#applied) return false;
    const startedAtMs = this.#clock.monotonicMs();
    try {
      await this.#proxy.apply(routes);
    } catch (error) {
      this.#log.error({ error: describeCauses(error) }, 'proxy.apply-failed');
      throw error;
    }
    await this.#failpoint('agent.switched');
    this.#applied = text;
    const ids = new Set(routes.flatMap((route) => route.backends.map((backend) => backend.id)));
    for (const runtime of instances.values()) {
      const wasIn = runtime.inProxy;
      runtime.inProxy = ids.has(runtime.instanceId);
      if (runtime.inProxy && !wasIn) runtime.timingsMs['switch'] = this.#clock.monotonicMs() - startedAtMs;
      if (runtime.inProxy) runtime.drained = false;
    }
    return true;
  }

  /** Forces the next round to tell the proxy again: it was restarted or found wrong. */
  reset(): void {
    this.#applied = '';
  }
}
