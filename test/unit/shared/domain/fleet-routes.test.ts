import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { routesBetween, wholeTable, withUpdate, type FleetRoutes } from '../../../../shared/domain/fleet-routes.ts';
import { anApp, aPeer, aTable } from '../../../support/fleet-routes.ts';

const letters = fc.subarray(['aa', 'bb', 'cc', 'dd']);
const anyTable = (version: number): fc.Arbitrary<FleetRoutes> =>
  fc
    .record({
      nodes: letters,
      apps: fc.uniqueArray(fc.tuple(fc.constantFrom('shop', 'blog', 'mail'), letters), { selector: ([name]) => name }),
    })
    .map(({ nodes, apps }) =>
      aTable(version, {
        peers: nodes.map(aPeer),
        apps: apps.map(([name, on]) => anApp(name, on)).sort((a, b) => (a.appId < b.appId ? -1 : 1)),
      }),
    );

describe('a change of the route table', () => {
  it('leads from any table to any other, and the whole table from anything', () => {
    fc.assert(
      fc.property(anyTable(4), anyTable(5), (before, after) => {
        assert.deepEqual(withUpdate(before, routesBetween(before, after)), after);
        assert.deepEqual(withUpdate(before, wholeTable(after)), after);
      }),
    );
  });

  it('is empty between equal tables', () => {
    fc.assert(
      fc.property(anyTable(4), (table) => {
        const { peers, apps, removedAppIds, removedNodeIds } = routesBetween(table, { ...table, version: 5 });
        assert.deepEqual([peers, apps, removedAppIds, removedNodeIds], [[], [], [], []]);
      }),
    );
  });
});
