import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  routesBetween,
  fullTableUpdate,
  withUpdate,
  type FleetRoutes,
} from '../../../../shared/domain/fleet-routes.ts';
import { anApp, aPeer, aTable } from '../../../support/fleet-routes.ts';

const letters = fc.subarray(['aa', 'bb', 'cc', 'dd']);
const anyTable = (version: number): fc.Arbitrary<FleetRoutes> =>
  fc
    .record({
      // what was refused once stays so within one run of the controller
      refused: fc.constant(version > 4 ? ['aa01', 'bb02'] : ['aa01']),
      nodes: letters,
      apps: fc.uniqueArray(fc.tuple(fc.constantFrom('shop', 'blog', 'mail'), letters), { selector: ([name]) => name }),
    })
    .map(({ refused, nodes, apps }) =>
      aTable(version, {
        refused,
        peers: nodes.map(aPeer),
        apps: apps.map(([name, on]) => anApp(name, on)).sort((a, b) => (a.appId < b.appId ? -1 : 1)),
      }),
    );

describe('a change of the route table', () => {
  it('changes any table into any other, and the whole table replaces any table', () => {
    fc.assert(
      fc.property(anyTable(4), anyTable(5), (before, after) => {
        assert.deepEqual(withUpdate(before, routesBetween(before, after)), after);
        assert.deepEqual(withUpdate(before, fullTableUpdate(after)), after);
      }),
    );
  });

  it('is empty between equal tables', () => {
    fc.assert(
      fc.property(anyTable(4), (table) => {
        const { peers, apps, removedAppIds, removedNodeIds, refused } = routesBetween(table, { ...table, version: 5 });
        assert.deepEqual([peers, apps, removedAppIds, removedNodeIds, refused], [[], [], [], [], []]);
      }),
    );
  });
});
