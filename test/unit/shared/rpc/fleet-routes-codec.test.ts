import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Maintenance, RoutesUpdate } from '../../../../shared/domain/fleet-routes.ts';
import { routesDigest, unchangedTableUpdate, fullTableUpdate } from '../../../../shared/domain/fleet-routes.ts';
import { decodeAgentMessage, encodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { decodeControllerMessage, encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import { encodeRoutes, fleetRoutes } from '../../../../shared/rpc/fleet-routes-codec.ts';
import type { AgentMessage } from '../../../../shared/rpc/messages.ts';
import { loadAgentService } from '../../../../shared/rpc/service.ts';
import { aCertificate, aTable, anApp, aPeer, THUMBPRINT } from '../../../support/fleet-routes.ts';

const { Session } = loadAgentService().service;

function throughWire(update: RoutesUpdate): unknown {
  const bytes = Session.responseSerialize(encodeControllerMessage({ kind: 'fleetRoutes', update }));
  return decodeControllerMessage(Session.responseDeserialize(bytes));
}

function ackThroughWire(message: AgentMessage): unknown {
  return decodeAgentMessage(Session.requestDeserialize(Session.requestSerialize(encodeAgentMessage(message))));
}

describe('the route table on the wire', () => {
  it('survives, whole and as a change, and so does its acknowledgement', () => {
    const whole = fullTableUpdate(
      aTable(3, { peers: [aPeer('aa'), { ...aPeer('bb'), address: '', port: 0 }], apps: [anApp('shop', ['aa'])] }),
    );
    const maintained = [
      { ...anApp('shop', []), maintenance: { page: '<h1>later</h1>' } },
      { ...anApp('zoo', []), maintenance: { page: undefined } },
    ];
    const paused = fullTableUpdate(aTable(3, { apps: maintained }));
    assert.deepEqual(throughWire(paused), { kind: 'fleetRoutes', update: paused });
    assert.deepEqual(throughWire(whole), { kind: 'fleetRoutes', update: whole });
    const same = unchangedTableUpdate(aTable(4, {}), routesDigest(whole));
    assert.deepEqual(throughWire(same), { kind: 'fleetRoutes', update: same });
    const change = {
      ...whole,
      baseVersion: 2,
      refused: ['4f00aa'],
      removedNodeIds: [aPeer('cc').nodeId],
      removedAppIds: [anApp('blog', []).appId],
    };
    assert.deepEqual(throughWire(change), { kind: 'fleetRoutes', update: change });
    assert.deepEqual(ackThroughWire({ kind: 'routesAck', version: 4 }), {
      kind: 'routesAck',
      version: 4,
      reason: undefined,
    });
  });

  it('survives with a node that answers no HTTPS', () => {
    const table = aTable(3, { peers: [{ ...aPeer('aa'), plainOnly: true }, aPeer('bb')] });
    assert.deepEqual(throughWire(fullTableUpdate(table)), { kind: 'fleetRoutes', update: fullTableUpdate(table) });
    assert.deepEqual(fleetRoutes.parse(table), table);
  });

  it('survives with front proxies, and without what is no network in its one form', () => {
    const fronts = { trusted: ['10.0.5.0/24', '2001:db8::/32'], proxyProtocol: ['192.0.2.1'] };
    const whole = fullTableUpdate(aTable(3, { fronts }));
    assert.deepEqual(throughWire(whole), { kind: 'fleetRoutes', update: whole });
    assert.deepEqual(fleetRoutes.parse(aTable(3, { fronts })), aTable(3, { fronts }));
    const wrong = { trusted: ['10.0.5.1/24', '0.0.0.0/0', 'x or TRUE'], proxyProtocol: [] };
    const sent = fullTableUpdate(aTable(3, { fronts: wrong }));
    assert.deepEqual(throughWire(sent), { kind: 'fleetRoutes', update: fullTableUpdate(aTable(3, {})) });
  });

  it('survives with certificates and HTTPS rules, and their names are positions of host names', () => {
    const hostnames = ['a.test', 'b.test', 'c.test'];
    const rules = [
      { redirected: [] },
      { redirected: ['a.test', 'c.test'], hstsMaxAgeS: 0 },
      { redirected: hostnames, hstsMaxAgeS: 60, canonical: 'b.test' },
      { redirected: [], canonical: 'b.test', canonicalHttps: true },
      { redirected: hostnames, hstsMaxAgeS: 60, hstsIncludeSubdomains: true, hstsPreload: true },
    ];
    const apps = rules.map((https, at) => ({ ...anApp(`app${String(at)}`, []), hostnames, https }));
    const table = aTable(3, {
      apps,
      certificates: [aCertificate('shop'), { ...aCertificate('zoo'), names: ['*.zoo.test', 'zoo.test'] }],
      acmeThumbprint: THUMBPRINT,
    });
    const update = { ...fullTableUpdate(table), removedCertificateIds: [aCertificate('blog').id] };
    assert.deepEqual(throughWire(update), { kind: 'fleetRoutes', update });
  });

  it('has no certificates when an older controller sent it, or an older agent stored it', () => {
    const { certificates, ...stored } = aTable(3, { apps: [anApp('shop', [])] });
    assert.deepEqual(fleetRoutes.parse(stored), { ...stored, certificates });
    const sent = Session.responseSerialize({ fleetRoutes: { version: 3, epoch: { counter: 1, id: 'life' } } });
    assert.deepEqual(decodeControllerMessage(Session.responseDeserialize(sent)), {
      kind: 'fleetRoutes',
      update: fullTableUpdate(aTable(3, {})),
    });
  });

  it('is refused with an address, name or id that a config file must not contain', () => {
    const bad = (update: Partial<RoutesUpdate>): void => {
      assert.throws(() => throughWire({ ...fullTableUpdate(aTable(1, {})), ...update }), {
        code: 'SLIP_RPC_BAD_MESSAGE',
      });
    };
    bad({ peers: [{ ...aPeer('aa'), address: '10.0.0.1 check' }] });
    bad({ peers: [{ ...aPeer('aa'), nodeId: 'x y' as never }] });
    bad({ peers: [{ ...aPeer('aa'), port: 70_000 }] });
    bad({ apps: [{ ...anApp('shop', []), hostnames: ['a b'] }] });
    bad({ apps: [{ ...anApp('shop', []), hostnames: ['*.*.example.com'] }] });
    bad({ apps: [{ ...anApp('shop', []), maintenance: { page: 'x'.repeat(70_000) } }] });
    bad({ refused: ['4f 00'] });
    bad({ certificates: [{ ...aCertificate('shop'), fingerprint: '../etc' }] });
    bad({ certificates: [{ ...aCertificate('shop'), id: '../shop' as never }] });
    bad({ certificates: [{ ...aCertificate('shop'), names: ['a b'] }] });
    bad({ certificates: [{ ...aCertificate('shop'), names: [] }] });
    bad({ acmeThumbprint: `${THUMBPRINT}\n` });
    bad({ apps: [{ ...anApp('shop', []), https: { redirected: [], canonical: 'a b' } }] });
    bad({ version: 0 });
    const elsewhere = { ...encodeRoutes(fullTableUpdate(aTable(1, {}))) };
    const app = { appId: 'app0000shop', app: 'shop', hostnames: ['a.test'], https: { redirectedPositions: [1] } };
    const sent = Session.responseSerialize({ fleetRoutes: { ...elsewhere, apps: [app] } });
    assert.throws(() => decodeControllerMessage(Session.responseDeserialize(sent)), { code: 'SLIP_RPC_BAD_MESSAGE' });
  });

  it('has the digest of older agents without maintenance, and another one with it', () => {
    const plain = aTable(1, { apps: [anApp('shop', ['aa'])] });
    const digestWith = (maintenance: Maintenance): string =>
      routesDigest({ ...plain, apps: plain.apps.map((app) => ({ ...app, maintenance })) });
    const { appId, app, hostnames, nodeIds } = anApp('shop', ['aa']);
    const older = createHash('sha256').update(JSON.stringify([[], [[appId, app, hostnames, nodeIds]], []]));
    assert.equal(routesDigest(plain), older.digest('base64url'));
    assert.notEqual(digestWith({}), routesDigest(plain));
    assert.notEqual(digestWith({ page: 'a' }), digestWith({}));
  });
});
