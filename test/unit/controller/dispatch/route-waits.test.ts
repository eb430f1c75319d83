import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import { NodeRegistry, type LiveNodeState } from '../../../../controller/dispatch/node-registry.ts';
import { ROUTES_APPLIED_TIMEOUT_MS, RouteWaits } from '../../../../controller/dispatch/route-waits.ts';
import type { NodeRow } from '../../../../controller/domain/nodes.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const VERSION = 5;
const NODE = 'node00000001' as NodeId;

interface Lab {
  readonly clock: VirtualClock;
  readonly waits: RouteWaits;
  readonly node: LiveNodeState;
  /** Names of those not waited for any longer; undefined while somebody is waited for. */
  end(): readonly string[] | undefined;
  wait(signal?: AbortSignal): void;
}

/** One node of the fleet, which was last seen to serve this version. */
function lab(applied: number): Lab {
  const [clock, registry] = [new VirtualClock(), new NodeRegistry()];
  const facts = { meshAddress: '10.0.0.1:7405' };
  // A row has many more columns; the registry copies them, and nothing here reads them.
  const row = { id: NODE, name: 'fra', state: 'ready', cordoned: false, labels: {}, facts } as unknown as NodeRow;
  const node = registry.upsert(row);
  node.routes.applied = applied;
  const waits = new RouteWaits({ registry, clock });
  let ended: readonly string[] | undefined;
  const wait = (signal = new AbortController().signal): void => {
    ended = undefined;
    void waits.untilApplied(VERSION, signal).then((late) => (ended = late.map(({ name }) => name)));
  };
  return { clock, waits, node, end: () => ended, wait };
}

function sessionOf(node: LiveNodeState, refusedReason?: { code: string; message: string }): AgentSession {
  // A real session needs a stream. These are the fields that are read.
  const session = {
    nodeId: node.id,
    hello: { takesFleetRoutes: true },
    routes: { applied: 0, refusedReason },
  } as unknown as AgentSession;
  node.session = session;
  return session;
}

describe('waiting until every node has the routes', () => {
  it('waits for a silent node until it counts as unreachable, and no longer', async () => {
    const { clock, waits, node, end, wait } = lab(VERSION - 1);
    sessionOf(node);
    wait();
    await clock.advance(24_000);
    node.session = undefined;
    waits.nodeChanged(NODE);
    await clock.advance(1_000);
    assert.equal(end(), undefined);
    node.state = 'unreachable';
    waits.nodeChanged(NODE);
    await clock.advance(0);
    assert.deepEqual(end(), []);
  });

  it('waits for a node that lost its session until it is back and has the routes', async () => {
    const { clock, waits, node, end, wait } = lab(VERSION - 1);
    wait();
    await clock.advance(3_000);
    const session = sessionOf(node);
    waits.nodeChanged(NODE);
    await clock.advance(1_000);
    assert.equal(end(), undefined);
    session.routes.applied = VERSION;
    waits.answered(session, VERSION);
    await clock.advance(0);
    assert.deepEqual(end(), []);
    assert.equal(node.routes.applied, VERSION);
  });

  it('does not wait for nodes that have the routes or refuse them', async () => {
    const has = lab(VERSION);
    has.wait();
    await has.clock.advance(0);
    assert.deepEqual(has.end(), []);
    const refuses = lab(0);
    sessionOf(refuses.node, { code: 'SLIP_ROUTES_OLD_EPOCH', message: 'older' });
    refuses.wait();
    await refuses.clock.advance(0);
    assert.deepEqual(refuses.end(), []);
  });

  it('stops waiting for a connected node that does not apply the routes, until it has applied them', async () => {
    const { clock, waits, node, end, wait } = lab(0);
    const session = sessionOf(node);
    wait();
    await clock.advance(ROUTES_APPLIED_TIMEOUT_MS - 1);
    assert.equal(end(), undefined);
    await clock.advance(1);
    assert.deepEqual(end(), ['fra']);
    wait();
    await clock.advance(0);
    assert.deepEqual(end(), []);
    session.routes.applied = VERSION - 1;
    waits.answered(session, VERSION - 1);
    wait();
    await clock.advance(0);
    assert.equal(end(), undefined);
  });

  it('ends with the controller', async () => {
    const { clock, node, end, wait } = lab(0);
    const stopping = new AbortController();
    wait(stopping.signal);
    stopping.abort();
    await clock.advance(0);
    assert.deepEqual([end(), node.routes.late], [[], false]);
  });
});
