import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Maintenance, RoutesUpdate } from '../../../../shared/domain/fleet-routes.ts';
import { routesDigest, unchangedTableUpdate, fullTableUpdate } from '../../../../shared/domain/fleet-routes.ts';
import { decodeAgentMessage, encodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { decodeControllerMessage, encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import type { AgentMessage } from '../../../../shared/rpc/messages.ts';
import { loadAgentService } from '../../../../shared/rpc/service.ts';
import { aTable, anApp, aPeer } from '../../../support/fleet-routes.ts';

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
    bad({ version: 0 });
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
