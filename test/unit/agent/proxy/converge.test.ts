import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'node:test';
import { planRuntime, type RuntimeStep } from '../../../../agent/proxy/haproxy/converge.ts';
import type { Observed, ObservedServer } from '../../../../agent/proxy/haproxy/observed.ts';
import { planSlots } from '../../../../agent/proxy/haproxy/plan.ts';
import { hostEntries, instanceEntries } from '../../../../agent/proxy/haproxy/render.ts';
import { emptyTable, poolName, serverName, type SlotTable } from '../../../../agent/proxy/haproxy/slot-table.ts';
import type { AppRoutes } from '../../../../agent/proxy/port.ts';
import type { AppName } from '../../../../shared/domain/names.ts';

const PATHS = {
  hosts: '/p/hosts.map',
  instances: '/p/instances.map',
  members: '/p/members.map',
  refused: '/p/refused.map',
  https: '/p/https.map',
  acme: '/p/acme.map',
  fronts: '/p/fronts.map',
};
const TO = { paths: PATHS, peerServerOptions: () => 'ssl' };
const POOLS = 8;
const SLOTS = 2;

/** A stand-in for the process: maps and servers, changed by the same commands. */
class Model {
  readonly maps = new Map<string, [string, string][]>([
    [PATHS.hosts, []],
    [PATHS.instances, []],
    [PATHS.members, []],
    [PATHS.refused, []],
    [PATHS.https, []],
    [PATHS.acme, []],
    [PATHS.fronts, []],
  ]);
  readonly servers = new Map<string, ObservedServer>();

  constructor() {
    for (let pool = 1; pool <= POOLS; pool += 1) {
      for (let slot = 1; slot <= SLOTS; slot += 1) this.#put(poolName(pool), serverName(pool, slot));
    }
  }

  observe(): Observed {
    const [hosts, instances] = [this.maps.get(PATHS.hosts) ?? [], this.maps.get(PATHS.instances) ?? []];
    const members = [...(this.maps.get(PATHS.members) ?? [])];
    const refused = [...(this.maps.get(PATHS.refused) ?? [])];
    const https = [...(this.maps.get(PATHS.https) ?? [])];
    const acme = [...(this.maps.get(PATHS.acme) ?? [])];
    const fronts = [...(this.maps.get(PATHS.fronts) ?? [])];
    const maps = { hosts: [...hosts], instances: [...instances], members, refused, https, acme, fronts };
    return { workerPid: 1, layoutHash: 'm', ...maps, servers: new Map(this.servers) };
  }

  run(step: RuntimeStep): void {
    if (step.kind === 'replaceMap') {
      const lines = step.payloads.join('').split('\n').filter(Boolean);
      this.maps.set(
        step.file,
        lines.map((line) => line.split(' ') as [string, string]),
      );
      return;
    }
    const [verb, noun, ...rest] = step.text.split(' ');
    if (noun === 'map') this.#runMap(verb ?? '', rest);
    else this.#runServer(verb ?? '', rest);
  }

  #runMap(verb: string, [file = '', key = '', value = '']: string[]): void {
    const entries = this.maps.get(file) ?? [];
    if (verb === 'add') entries.push([key, value]);
    if (verb === 'set') {
      assert.ok(
        entries.some(([each]) => each === key),
        `set of a missing key ${key}`,
      );
      for (const entry of entries) if (entry[0] === key) entry[1] = value;
    }
    if (verb === 'del')
      this.maps.set(
        file,
        entries.filter(([each]) => each !== key),
      );
  }

  #runServer(verb: string, [target = '', what = '', ...rest]: string[]): void {
    const [pool = '', name = ''] = target.split('/');
    if (verb === 'add') {
      this.#put(pool, name, what);
      return;
    }
    const server = this.servers.get(name);
    assert.ok(server?.pool === pool, `no server ${target}`);
    if (what === 'addr') this.servers.set(name, { ...server, address: rest[0] ?? '', port: Number(rest[2]) });
    else this.servers.set(name, { ...server, ready: rest[0] === 'ready' });
  }

  #put(pool: string, name: string, where = '127.0.0.1:1'): void {
    const [address = '', port = ''] = where.split(':');
    this.servers.set(name, { pool, name, address, port: Number(port), ready: false, downForMs: undefined });
  }

  /** Where a request for the host may go: addresses of ready servers; `undefined` for an unknown host. */
  targets(host: string): string[] | undefined {
    const value = this.maps.get(PATHS.hosts)?.find(([each]) => each === host)?.[1];
    if (value === undefined) return undefined;
    const pool = value.split('/')[0];
    return [...this.servers.values()]
      .filter((server) => server.pool === pool && server.ready)
      .map((server) => server.address);
  }
}

/** The third number of an instance's address is its app, so that a stray request shows. */
const wantedRoutes = fc
  .array(
    fc.record({
      app: fc.integer({ min: 1, max: 5 }),
      instances: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    }),
    {
      maxLength: 5,
    },
  )
  .map((apps) =>
    [...new Map(apps.map((each) => [each.app, each])).values()].map(({ app, instances }) => routesOf(app, instances)),
  );

function routesOf(app: number, instances: readonly number[]): AppRoutes {
  const backends = instances.map((each) => ({
    id: `i${String(app)}x${String(each)}`,
    instanceName: `web.${String(each)}`,
    address: `10.0.${String(app)}.${String(each)}`,
    port: 5000,
  }));
  return { app: `app-${String(app)}` as AppName, hostnames: [`h${String(app)}.test`], backends };
}

function next(table: SlotTable, routes: readonly AppRoutes[]): SlotTable {
  const draining = table.pools.flatMap((pool) =>
    pool.slots.filter((slot) => slot.state === 'draining').map((slot) => [pool, slot] as const),
  );
  const idle = new Set(draining.map(([pool, slot]) => serverName(pool.number, slot.number)));
  return planSlots({ table, routes, idle, slotsPerBackend: SLOTS }).table;
}

function assertServes(model: Model, table: SlotTable): void {
  assert.deepEqual(planRuntime(model.observe(), table, TO), []);
  assert.deepEqual(new Map(model.maps.get(PATHS.hosts)), hostEntries(table));
  assert.deepEqual(new Map(model.maps.get(PATHS.instances)), instanceEntries(table));
}

describe('runtime plan', () => {
  test('changes any table into any other, and at no step a name routes to another app', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ routes: wantedRoutes, cutAfter: fc.integer({ min: 0, max: 12 }) }), { maxLength: 6 }),
        (applies) => {
          const model = new Model();
          let table = emptyTable(POOLS);
          for (const { routes, cutAfter } of applies) {
            table = next(table, routes);
            const steps = planRuntime(model.observe(), table, TO);
            // Some applies are cut short, as by a crash: the next one starts from whatever is there.
            for (const step of steps.slice(0, cutAfter > 8 ? steps.length : cutAfter)) {
              model.run(step);
              for (let app = 1; app <= 5; app += 1) {
                for (const address of model.targets(`h${String(app)}.test`) ?? [])
                  assert.match(address, new RegExp(`^10\\.0\\.${String(app)}\\.`));
              }
            }
          }
          for (const step of planRuntime(model.observe(), table, TO)) model.run(step);
          assertServes(model, table);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('an app that has instances before and after has one at every step', () => {
    fc.assert(
      fc.property(wantedRoutes, wantedRoutes, (before, after) => {
        const model = new Model();
        const first = next(emptyTable(POOLS), before);
        for (const step of planRuntime(model.observe(), first, TO)) model.run(step);
        const second = next(first, after);
        const kept = after.filter(
          (route) =>
            route.backends.length > 0 && before.some((each) => each.app === route.app && each.backends.length > 0),
        );
        for (const step of planRuntime(model.observe(), second, TO)) {
          model.run(step);
          for (const route of kept)
            assert.ok(
              (model.targets(route.hostnames[0] ?? '')?.length ?? 0) > 0,
              `${route.app} at ${JSON.stringify(step)}`,
            );
        }
        assertServes(model, second);
      }),
      { numRuns: 500 },
    );
  });

  test('replaces a map that has a key twice, and splits many changes into payloads that the socket accepts', () => {
    const model = new Model();
    const table = next(emptyTable(POOLS), [routesOf(1, [1])]);
    model.maps.get(PATHS.hosts)?.push(['h1.test', 'pool_0001/app-1'], ['h1.test', 'pool_0001/app-1']);
    for (const step of planRuntime(model.observe(), table, TO)) model.run(step);
    assertServes(model, table);
    const many = Array.from({ length: 2000 }, (_, index) => `${'x'.repeat(50)}${String(index)}.test`);
    const wide = next(table, [{ ...routesOf(1, [1]), hostnames: many }]);
    const steps = planRuntime(model.observe(), wide, TO);
    assert.ok(
      steps.every((step) => step.kind === 'command' || step.payloads.every((payload) => payload.length <= 8192)),
    );
    for (const step of steps) model.run(step);
    assertServes(model, wide);
  });

  test('a server that is added at run time keeps idle connections, like a server of the file', () => {
    const table = next(emptyTable(POOLS), [routesOf(1, [1, 2, 3])]);
    const added = planRuntime(new Model().observe(), table, TO).flatMap((step) =>
      step.kind === 'command' && step.text.startsWith('add server ') ? [step.text] : [],
    );
    assert.equal(added.length, 1);
    assert.match(added[0] ?? '', /^add server pool_0001\/pool_0001_s3 \S+ pool-max-conn -1 pool-purge-delay 5s$/);
  });
});
