import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { limitRouteTable, type RouteTableRow } from '../../../../controller/dispatch/limit-route-table.ts';
import { RouteTableCapacity } from '../../../../controller/dispatch/route-table-capacity.ts';
import { UID_RANGES } from '../../../../controller/schedule/uid-ranges.ts';
import type { NewEvent } from '../../../../shared/domain/event.ts';
import { fullTableUpdate, type FleetApp, type MeshPeer } from '../../../../shared/domain/fleet-routes.ts';
import {
  appLineBytes,
  CERTIFICATES_BYTES_MAX,
  DOMAINS_BYTES_MAX,
  fixedTableBytes,
  TABLE_BYTES_MAX,
  type FixedParts,
} from '../../../../shared/domain/fleet-routes-size.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import { MAX_MESSAGE_BYTES } from '../../../../shared/rpc/service.ts';
import { aCertificate, anApp, aTable, THUMBPRINT } from '../../../support/fleet-routes.ts';
import { Session } from '../../../support/wire.ts';

const RUN = { seed: 16, numRuns: 100 };
const label = fc.stringMatching(/^[a-z]{1,60}$/);
const anyName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.test`);
const anyPeer: fc.Arbitrary<MeshPeer> = fc.record({
  ...{ nodeId: label.map((id) => id as NodeId), name: label },
  ...{ address: fc.constantFrom('', '10.203.100.200'), port: fc.nat(65_535) },
});
const RULES = {
  ...{ hstsMaxAgeS: 63_072_000, hstsIncludeSubdomains: true, hstsPreload: true },
  ...{ canonical: 'www.test', canonicalHttps: true },
};
const anyLine: fc.Arbitrary<RouteTableRow> = fc
  .tuple(
    fc.array(anyName, { maxLength: 8 }),
    fc.array(label, { maxLength: 8 }),
    fc.nat(50),
    fc.nat(1_000_000),
    fc.boolean(),
  )
  .map(([hostnames, nodeIds, createdAtMs, id, redirects]) => ({
    entry: {
      ...{ ...anApp(`x${String(id)}`, []), hostnames, nodeIds: nodeIds as NodeId[] },
      ...(redirects ? { https: { ...RULES, redirected: hostnames } } : {}),
    },
    createdAtMs,
  }));
const anyLines = fc.uniqueArray(anyLine, { maxLength: 30, selector: ({ entry }) => entry.appId });

function encodedBytes(
  apps: readonly FleetApp[],
  fixed: FixedParts = { peers: [], refused: [], certificates: [] },
): number {
  const update = fullTableUpdate(aTable(1, { apps, ...fixed }));
  return Session.responseSerialize(encodeControllerMessage({ kind: 'fleetRoutes', update })).length;
}

describe('the size of the route table', () => {
  it('is never larger on the wire than its estimate', () => {
    const parts = fc.tuple(
      anyLines,
      fc.array(anyPeer, { maxLength: 10 }),
      fc.array(fc.stringMatching(/^[0-9a-f]{2,64}$/), { maxLength: 5 }),
      fc.array(fc.array(anyName, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(parts, ([lines, peers, refused, named]) => {
        const certificates = named.map((names) => ({ ...aCertificate('shop'), names }));
        const fixed = { peers, refused, certificates, acmeThumbprint: THUMBPRINT };
        const apps = lines.map(({ entry }) => entry);
        const counted = apps.reduce((sum, app) => sum + appLineBytes(app), fixedTableBytes(fixed));
        assert.ok(encodedBytes(apps, fixed) <= counted);
      }),
      RUN,
    );
  });

  it('always fits, and only a newer or too large entry is left out', () => {
    fc.assert(
      fc.property(anyLines, fc.nat(4_000), (lines, maxBytes) => {
        const { apps, leftOut } = limitRouteTable(lines, maxBytes);
        const used = apps.reduce((sum, app) => sum + appLineBytes(app), 0);
        assert.ok(used <= maxBytes);
        assert.equal(apps.length + leftOut.size, lines.length);
        for (const { entry, createdAtMs } of lines.filter((line) => leftOut.has(line.entry.appId))) {
          const older = lines.filter((line) => line.createdAtMs <= createdAtMs && apps.includes(line.entry));
          assert.ok(older.reduce((sum, line) => sum + appLineBytes(line.entry), appLineBytes(entry)) > maxBytes);
        }
        assert.deepEqual(limitRouteTable(lines.toReversed(), maxBytes), { apps, leftOut });
      }),
      RUN,
    );
  });

  it('leaves room for as many apps as there can be, beside all domains and certificates', () => {
    const longest = {
      ...anApp('a', ['aa']),
      app: 'a'.repeat(30) as FleetApp['app'],
      hostnames: [`${'a'.repeat(30)}.apps.example.com`],
    };
    const appsBytes = UID_RANGES * appLineBytes(longest);
    assert.ok(appsBytes + DOMAINS_BYTES_MAX + CERTIFICATES_BYTES_MAX < TABLE_BYTES_MAX, String(appsBytes));
  });

  it('stays below the limit of a message; each app that is left out has one event and a reason', () => {
    const names = Array.from({ length: 4_000 }, (_, at) => `${'long-label.'.repeat(20)}n${String(at)}.test`);
    const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name, age) => ({
      entry: { ...anApp(name, ['aa']), hostnames: names },
      createdAtMs: age,
    }));
    const events: NewEvent[] = [];
    const capacity = new RouteTableCapacity((event) => events.push(event));
    const apps = capacity.select(lines, { peers: [], refused: [], certificates: [] });
    assert.ok(encodedBytes(lines.map(({ entry }) => entry)) > MAX_MESSAGE_BYTES);
    assert.ok(encodedBytes(apps) < MAX_MESSAGE_BYTES);
    assert.deepEqual(
      apps.map(({ app }) => app as string).join(''),
      'abcdefgh'.slice(0, apps.length),
      'the oldest have their lines',
    );
    capacity.select(lines, { peers: [], refused: [], certificates: [] });
    assert.deepEqual(
      events.map(({ app }) => app),
      lines.slice(apps.length).map(({ entry }) => entry.app),
    );
    const last = lines.at(-1)!.entry;
    assert.match(
      capacity.reasonLeftOut(last.appId)?.message ?? '',
      /^j gets no requests: its 4000 names and 1 nodes need \d+ bytes in the route table/,
    );
    capacity.select(lines.slice(5), { peers: [], refused: [], certificates: [] });
    assert.equal(capacity.reasonLeftOut(last.appId), undefined, 'it has its line again when there is room');
  });
});
