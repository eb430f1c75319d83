import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFakeProxy } from '../../../../agent/proxy/fake.ts';
import { RouteSwitch, routesOf } from '../../../../agent/reconcile/route-switch.ts';
import type { InstanceRuntime } from '../../../../agent/reconcile/runtime.ts';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
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

it('host names of an app never lead to instances of a former app of the same name', () => {
  const desired = wanting('shop.test');
  const former = {
    instanceId: 'instance1',
    assignment: { appId: 'app00000', app: 'shop', processType: 'web', ordinal: 1 },
    sandbox: { address: '10.203.0.9', port: 5000 },
  } as unknown as InstanceRuntime;
  const backends = new Map([['shop', ['instance1']]]);
  const [route] = routesOf({ desired, fleet: undefined, self: 'n1' }, backends, new Map([['instance1', former]]));
  assert.equal(route?.appId, 'app00001');
  assert.deepEqual(route.backends, []);
});
