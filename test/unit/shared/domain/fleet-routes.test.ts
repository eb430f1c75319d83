import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  isSameContent,
  routesBetween,
  routesDigest,
  fullTableUpdate,
  withoutCertificates,
  withoutEdgeSettings,
  withUpdate,
  type FleetRoutes,
} from '../../../../shared/domain/fleet-routes.ts';
import { aCertificate, anApp, aPeer, aTable, THUMBPRINT } from '../../../support/fleet-routes.ts';

const FRONTS = { trusted: ['10.0.5.0/24'], proxyProtocol: ['2001:db8::1'] };
const letters = fc.subarray(['aa', 'bb', 'cc', 'dd']);
const anyTable = (version: number): fc.Arbitrary<FleetRoutes> =>
  fc
    .record({
      // what was refused once stays so within one run of the controller
      refused: fc.constant(version > 4 ? ['aa01', 'bb02'] : ['aa01']),
      nodes: letters,
      apps: fc.uniqueArray(fc.tuple(fc.constantFrom('shop', 'blog', 'mail'), letters), { selector: ([name]) => name }),
      redirects: fc.boolean(),
      certificates: fc.uniqueArray(fc.tuple(fc.constantFrom('shop', 'blog', 'mail'), fc.constantFrom('a', 'b')), {
        selector: ([name]) => name,
      }),
      thumbprint: fc.constantFrom({}, { acmeThumbprint: THUMBPRINT }),
      fronts: fc.constantFrom({}, { fronts: FRONTS }),
    })
    .map(({ refused, nodes, apps, redirects, certificates, thumbprint, fronts }) =>
      aTable(version, {
        refused,
        peers: nodes.map(aPeer),
        apps: apps
          .map(([name, on]) => ({ ...anApp(name, on), ...(redirects ? { https: { redirected: [] } } : {}) }))
          .sort((a, b) => (a.appId < b.appId ? -1 : 1)),
        certificates: certificates
          .map(([name, digit]) => aCertificate(name, digit))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
        ...thumbprint,
        ...fronts,
      }),
    );

describe('the digest of the route table', () => {
  it('is the one of an older agent when the table has no certificates, and differs for each field of them', () => {
    const plain = aTable(1, { apps: [anApp('shop', ['aa'])] });
    const changed = [
      { ...plain, certificates: [aCertificate('shop')] },
      { ...plain, certificates: [aCertificate('shop', 'b')] },
      { ...plain, acmeThumbprint: THUMBPRINT },
      ...[
        {},
        { hstsMaxAgeS: 0 },
        { canonical: 'shop.example.test' },
        { canonicalHttps: true },
        { hstsIncludeSubdomains: true },
        { hstsPreload: true },
      ].map((rules) => ({
        ...plain,
        apps: plain.apps.map((app) => ({ ...app, https: { redirected: [], ...rules } })),
      })),
    ];
    assert.equal(new Set([plain, ...changed].map(routesDigest)).size, changed.length + 1);
    for (const table of changed) assert.equal(routesDigest(withoutCertificates(table)), routesDigest(plain));
  });

  it('is the one of an older agent without front proxies and nodes without HTTPS, and differs for each of them', () => {
    const plain = aTable(1, { peers: [aPeer('aa')] });
    const changed = [
      { ...plain, peers: [{ ...aPeer('aa'), plainOnly: true as const }] },
      { ...plain, fronts: FRONTS },
      { ...plain, fronts: { ...FRONTS, trusted: [] } },
      { ...plain, fronts: { trusted: FRONTS.proxyProtocol, proxyProtocol: FRONTS.trusted } },
    ];
    assert.equal(new Set([plain, ...changed].map(routesDigest)).size, changed.length + 1);
    for (const table of changed) assert.equal(routesDigest(withoutEdgeSettings(table)), routesDigest(plain));
  });
});

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
        const change = routesBetween(table, { ...table, version: 5 });
        const { peers, apps, refused, certificates, removedAppIds, removedNodeIds, removedCertificateIds } = change;
        const parts = [peers, apps, refused, certificates, removedAppIds, removedNodeIds, removedCertificateIds];
        assert.deepEqual(parts.flat(), []);
        assert.equal(isSameContent(table, { ...table, version: 5 }, change), true);
        const other = { ...table, version: 5, fronts: { trusted: ['10.9.9.9'], proxyProtocol: [] } };
        assert.equal(isSameContent(table, other, routesBetween(table, other)), false);
      }),
    );
  });
});
