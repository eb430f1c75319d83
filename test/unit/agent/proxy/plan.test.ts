import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planSlots, type ProxyPlan } from '../../../../agent/proxy/haproxy/plan.ts';
import {
  emptyTable,
  parseTable,
  serializeTable,
  withoutDraining,
  type SlotTable,
} from '../../../../agent/proxy/haproxy/slot-table.ts';
import type { AppRoutes, Backend } from '../../../../agent/proxy/port.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import type { AppName } from '../../../../shared/domain/names.ts';

const backend = (id: string, port = 5000): Backend => ({ id, instanceName: 'web.1', address: '10.203.0.7', port });

const routes = (app: string, ids: readonly string[], hostnames = [`${app}.test`]): AppRoutes => ({
  app: app as AppName,
  hostnames,
  backends: ids.map((id) => backend(id)),
});

function plan(table: SlotTable, wanted: readonly AppRoutes[], idle: readonly string[] = []): ProxyPlan {
  return planSlots({ table, routes: wanted, idle: new Set(idle), slotsPerBackend: 2 });
}

/** `pool_1 alpha: s1 one active, s2 two draining` */
function describeTable(table: SlotTable): string[] {
  return table.pools.map((pool) => {
    const slots = pool.slots.map((slot) => `s${String(slot.number)} ${slot.backend.id} ${slot.state}`);
    return `${String(pool.number)} ${pool.app}: ${slots.join(', ')}`;
  });
}

describe('slot plan', () => {
  test('a new instance takes a free slot and the old one drains in its own', () => {
    const first = plan(emptyTable(4), [routes('alpha', ['one'])]).table;
    assert.deepEqual(describeTable(plan(first, [routes('alpha', ['two'])]).table), [
      '1 alpha: s1 one draining, s2 two active',
    ]);
  });

  test('reuses an idle slot, but not a slot with connections', () => {
    const first = plan(emptyTable(4), [routes('alpha', ['one'])]).table;
    const second = plan(first, [routes('alpha', ['two'])]).table;
    const busy = plan(second, [routes('alpha', ['three'])]).table;
    assert.deepEqual(describeTable(busy), ['1 alpha: s1 one draining, s2 two draining, s3 three active']);
    assert.equal(busy.pools[0]?.slotCount, 4);
    const idle = plan(second, [routes('alpha', ['three'])], ['pool_0001_s1']).table;
    assert.deepEqual(describeTable(idle), ['1 alpha: s1 three active, s2 two draining']);
  });

  test('a renamed app keeps its backend, and nothing drains', () => {
    const alpha = { ...routes('alpha', ['one']), appId: 'app00001' as AppId };
    const renamed = { ...alpha, app: 'store' as AppName, hostnames: ['store.test'] };
    const first = plan(emptyTable(4), [alpha]).table;
    assert.deepEqual(describeTable(plan(first, [renamed]).table), ['1 store: s1 one active']);
  });

  test('an app in maintenance leads to a page, and equal pages are one', () => {
    const alpha = { ...routes('alpha', ['one']), appId: 'app00001' as AppId };
    const beta = { ...routes('beta', ['two']), appId: 'app00002' as AppId };
    const { table } = plan(emptyTable(4), [
      { ...alpha, maintenance: {} },
      { ...beta, maintenance: { page: '<p>' } },
    ]);
    assert.equal(table.pools[0]?.page, 'page_default');
    assert.equal(table.pools[1]?.page, table.pages[0]?.name);
    assert.deepEqual(
      table.pages.map(({ html }) => html),
      ['<p>'],
    );
    const both = [alpha, beta].map((each) => ({ ...each, maintenance: { page: '<p>' } }));
    assert.equal(plan(table, both).table.pages.length, 1);
    const over = plan(table, [alpha, beta]).table;
    assert.deepEqual([over.pages, over.pools.map(({ page }) => page)], [[], [undefined, undefined]]);
    assert.deepEqual(parseTable(serializeTable(table)), table);
  });

  test('an app with the name of a destroyed app gets a backend of its own', () => {
    const former = { ...routes('alpha', ['one']), appId: 'app00001' as AppId };
    const first = plan(emptyTable(4), [former]).table;
    const next = plan(first, [{ ...routes('alpha', ['two']), appId: 'app00002' as AppId }]).table;
    assert.deepEqual(describeTable(next), ['1 alpha: s1 one draining', '2 alpha: s1 two active']);
  });

  test('a draining instance takes its traffic back in the slot it has', () => {
    const first = plan(emptyTable(4), [routes('alpha', ['one'])]).table;
    const second = plan(first, [routes('alpha', ['two'])]).table;
    assert.deepEqual(describeTable(plan(second, [routes('alpha', ['one'])]).table), [
      '1 alpha: s1 one active, s2 two draining',
    ]);
  });

  test('a removed app keeps its backend until nothing is open, and the next app gets it only one step later', () => {
    const first = plan(emptyTable(4), [routes('alpha', ['one'])]).table;
    const draining = plan(first, [routes('beta', ['two'])]).table;
    assert.deepEqual(describeTable(draining), ['1 alpha: s1 one draining', '2 beta: s1 two active']);
    const freed = plan(withoutDraining(draining, 'one'), [routes('beta', ['two']), routes('gamma', ['three'])]).table;
    assert.deepEqual(describeTable(freed), ['2 beta: s1 two active', '3 gamma: s1 three active']);
    const reused = plan(freed, [routes('beta', ['two']), routes('gamma', ['three']), routes('delta', ['four'])]).table;
    assert.equal(describeTable(reused)[0], '1 delta: s1 four active');
  });

  test('the pool doubles when it is used up and never shrinks', () => {
    const wanted = Array.from({ length: 9 }, (_, index) => routes(`app-${String(index)}`, []));
    const grown = plan(emptyTable(4), wanted).table;
    assert.equal(grown.poolSize, 16);
    assert.equal(plan(grown, []).table.poolSize, 16);
  });

  test('the order of the routes does not matter', () => {
    const wanted = [routes('gamma', ['c', 'd']), routes('alpha', ['b', 'a']), routes('beta', [])];
    const one = plan(emptyTable(4), wanted).table;
    const reversed = wanted.map((each) => ({ ...each, backends: each.backends.toReversed() })).reverse();
    assert.deepEqual(plan(emptyTable(4), reversed).table, one);
    assert.deepEqual(plan(one, wanted).table, one);
  });

  test('a bad route does not change its app, and the other apps are updated', () => {
    const first = plan(emptyTable(4), [routes('alpha', ['one'])]).table;
    for (const bad of [
      { ...routes('alpha', ['two']), hostnames: ['alpha.test\n  server x'] },
      { ...routes('alpha', []), backends: [{ ...backend('two'), address: '10.0.0.1 check' }] },
      { ...routes('alpha', []), backends: [{ ...backend('two'), port: 0 }] },
      { ...routes('alpha', []), backends: [{ ...backend('two'), instanceName: 'web.1 x' }] },
      { ...routes('alpha', []), backends: [{ ...backend('two;x') }] },
    ]) {
      const { table, errors } = plan(first, [bad, routes('beta', ['three'])]);
      assert.deepEqual(describeTable(table), ['1 alpha: s1 one active', '2 beta: s1 three active']);
      assert.deepEqual(errors.length, 1);
    }
  });

  test('a host name wanted by two apps stays with the first, and the second keeps what it had', () => {
    const { table, errors } = plan(emptyTable(4), [
      routes('beta', ['two'], ['shop.test']),
      routes('alpha', ['one'], ['shop.test']),
    ]);
    assert.deepEqual(describeTable(table), ['1 alpha: s1 one active']);
    assert.match(errors[0]?.message ?? '', /shop\.test of the app beta belongs to another app/);
  });

  test('a table survives being written and read, and damage is noticed', () => {
    const { table } = plan(emptyTable(4), [routes('alpha', ['one']), routes('beta', [])]);
    assert.deepEqual(parseTable(serializeTable(table)), table);
    assert.equal(parseTable(serializeTable(table).slice(0, -3)), undefined);
    assert.equal(parseTable('{"version":2}'), undefined);
  });
});
