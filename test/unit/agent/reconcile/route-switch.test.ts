import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFakeProxy } from '../../../../agent/proxy/fake.ts';
import { RouteSwitch, routesOf } from '../../../../agent/reconcile/route-switch.ts';
import type { InstanceRuntime } from '../../../../agent/reconcile/runtime.ts';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
import type { FleetApp, FleetRoutes } from '../../../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import type { AppName } from '../../../../shared/domain/names.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const wanting = (...hostnames: readonly string[]): DesiredState => ({
  ...{ epoch: { counter: 1, id: 'life' }, generation: 1, assignments: [], massStopReason: '' },
  routes: hostnames.map((hostname) => ({ hostname, appId: 'app00001', app: 'shop' }) as DesiredState['routes'][number]),
});

it('a proxy that failed half way gets its routes again, also when they are equal to the last ones', async () => {
  const proxy = createFakeProxy();
  await proxy.ensureRunning();
  const routes = new RouteSwitch({ proxy, clock: systemClock, log: silentLogger, failpoint: noFailpoint });
  const apply = (desired: DesiredState): Promise<boolean> => routes.apply(desired, new Map(), new Map());
  await apply(wanting('shop.test', 'www.shop.test'));
  proxy.crash();
  await assert.rejects(apply(wanting('shop.test')), { code: 'SLIP_PROXY_DOWN' });
  await proxy.ensureRunning();
  assert.equal(await apply(wanting('shop.test', 'www.shop.test')), true);
  assert.deepEqual(proxy.routes()[0]?.hostnames, ['shop.test', 'www.shop.test']);
});

/** A live web instance of an app, under the name that its desired state has. It has only the fields that routes are made of. */
const runtime = (instanceId: string, appId: string, app: string): InstanceRuntime =>
  ({
    instanceId,
    assignment: { appId, app, processType: 'web', ordinal: 1 },
    sandbox: { address: '10.203.0.9', port: 5000 },
  }) as unknown as InstanceRuntime;

/** A table with only the fields of its apps that a test is about. */
const tableOf = (...apps: readonly Partial<FleetApp>[]): FleetRoutes =>
  ({ epoch: { counter: 1, id: 'life' }, version: 2, peers: [], refused: [], apps }) as unknown as FleetRoutes;

it('host names of an app never lead to instances of a former app of the same name', () => {
  const fleet = tableOf({ appId: 'app00001' as AppId, app: 'shop' as AppName, hostnames: ['shop.test'], nodeIds: [] });
  const former = { ...wanting('shop.test'), routes: [{ hostname: 'shop.test', appId: 'app00000', app: 'shop' }] };
  const backends = new Map([['app00000', ['instance1']]]);
  const instances = new Map([['instance1', runtime('instance1', 'app00000', 'shop')]]);
  // The brands of ids and names are missing, as in a file on disk.
  const desired = former as unknown as DesiredState;
  const routes = routesOf({ desired, fleet, self: 'n1' }, backends, instances);
  assert.deepEqual(
    routes.map(({ appId, backends: served }) => [appId, served.length]),
    [['app00001', 0]],
  );
});

it('a renamed app keeps its instances and its domains, whichever message arrives first', () => {
  const backends = new Map([['app00001', ['instance1']]]);
  const domains = ['www.example.com'];
  for (const [said, tabled] of [
    ['shop', 'store'],
    ['store', 'shop'],
  ] as const) {
    const entry = { appId: 'app00001' as AppId, app: tabled as AppName, nodeIds: [] };
    const fleet = tableOf({ ...entry, hostnames: [`${tabled}.test`, ...domains] });
    // The brands of ids and names are missing, as in a file on disk.
    const desired = {
      ...wanting(),
      routes: [{ hostname: `${said}.test`, appId: 'app00001', app: said }],
    } as unknown as DesiredState;
    const instances = new Map([['instance1', runtime('instance1', 'app00001', said)]]);
    const routes = routesOf({ desired, fleet, self: 'n1' }, backends, instances);
    assert.equal(routes.length, 1);
    assert.equal(routes[0]?.app, tabled);
    assert.deepEqual(routes[0].hostnames, [`${tabled}.test`, ...domains].sort());
    assert.equal(routes[0].backends.length, 1);
  }
});

it('a table that names an app twice gives the app one set of routes', () => {
  const entry = { appId: 'app00001' as AppId, app: 'shop' as AppName, hostnames: ['shop.test'], nodeIds: [] };
  const routes = routesOf({ desired: wanting(), fleet: tableOf(entry, entry), self: 'n1' }, new Map(), new Map());
  assert.deepEqual(
    routes.map(({ app }) => app),
    ['shop'],
  );
});
