import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstanceStatus, Reason } from '../../../shared/domain/instance.ts';
import type { InstanceId, NodeId } from '../../../shared/domain/ids.ts';
import {
  connectAgent,
  fakeAgent,
  recordingLogger,
  startRig,
  type FakeAgent,
  type Rig,
} from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { assignment, noChange } from '../../support/store-fixtures.ts';

function live(instanceId: InstanceId): InstanceStatus {
  return { instanceId, state: 'live', restarts: 0, lastLines: [], timingsMs: {} };
}

async function assign(rig: Rig, nodeId: NodeId): Promise<InstanceId> {
  const row = assignment({ nodeId, appId: rig.app.id, release: 1 });
  await rig.store.changeAssignments({ ...noChange, add: [row] });
  await rig.dispatch.fleet.publish(nodeId);
  return row.instanceId;
}

function connectedNames(rig: Rig): string[] {
  const nodes = rig.dispatch.fleet.nodes();
  return nodes.filter((node) => node.connected).map((node) => node.name);
}

const has = (agent: FakeAgent, id: InstanceId): boolean =>
  agent.accepted.at(-1)?.assignments.some((one) => one.instanceId === id) === true;

describe('a session between agent and controller', () => {
  it('opens with Hello, brings the whole desired state, and makes the node ready with its facts', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const early = assignment({ nodeId: node.row.id, appId: rig.app.id, release: 1 });
    await rig.store.changeAssignments({ ...noChange, add: [early] });
    const agent = fakeAgent();
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    const state = await eventually('a first desired state', () => agent.accepted[0]);
    assert.equal(state.assignments[0]?.command, 'node server.js');
    assert.equal(state.assignments[0].config['SECRET']?.reveal(), 's3cret');
    assert.deepEqual(state.routes, [{ hostname: 'hello.example.test', appId: rig.app.id, app: 'hello' }]);
    const row = await rig.store.nodeBySerial(node.issued.serial);
    assert.equal(row?.state, 'ready');
    assert.equal(row.facts?.['sandboxDriver'], 'fake');
    assert.equal(rig.dispatch.fleet.nodes()[0]?.platform, 'debian-12-x64');
  });

  it('detects two machines with one certificate by their boot ids, and reports them', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    for (const bootId of ['boot-of-one', 'boot-of-its-copy']) {
      const agent = fakeAgent();
      const { hello } = agent;
      connectAgent(t, rig, {
        stateDir: node.stateDir,
        agent: Object.assign(agent, { hello: async () => ({ ...(await hello()), bootId }) }),
      });
    }
    const reason = await eventually('it is said', () => rig.dispatch.fleet.node(node.row.id)?.failure);
    assert.equal(reason.code, 'SLIP_NODE_TWICE');
    assert.match(reason.message, /^Two machines use the identity of node alpha/);
  });

  it('works with an agent more than one version behind, and shows the upgrade command on both sides', async (t) => {
    const rig = await startRig(t, { version: '0.3.0' });
    const [node, logger] = [await rig.join('alpha'), recordingLogger()];
    const id = await assign(rig, node.row.id);
    const agent = fakeAgent();
    connectAgent(t, rig, { stateDir: node.stateDir, agent, logger });
    await eventually('its desired state', () => has(agent, id));
    const reason = rig.dispatch.fleet.node(node.row.id)?.versionMismatch;
    assert.match(
      reason?.message ?? '',
      /^The agent of alpha \(0\.1\.0\) is more than one version behind this controller \(0\.3\.0\)/,
    );
    const warned = logger.events.filter(({ level }) => level === 'warn').map(({ fields }) => fields);
    const own = warned.filter(({ code }) => code === reason?.code);
    assert.deepEqual(own, [{ code: reason?.code, message: reason?.message, hint: reason?.hint }]);
  });

  it('sends the private networks that are open with every session and after every change', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    await rig.store.addEgress(undefined, '10.0.5.0/24');
    const agent = fakeAgent();
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    await eventually('the table at Hello', () => agent.egress?.fleet[0] === '10.0.5.0/24');
    await rig.store.addEgress(rig.app.id, '10.0.6.1/32');
    await rig.dispatch.fleet.egressChanged();
    await eventually('the change', () => agent.egress?.apps[0]?.cidrs[0] === '10.0.6.1/32');
    assert.equal(agent.egress?.apps[0]?.app, rig.app.name);
    assert.equal(rig.dispatch.fleet.node(node.row.id)?.egressIgnored, false);
    await rig.store.removeEgress(rig.app.id, '10.0.6.1/32'); // as when the app is destroyed: nobody tells the dispatcher of its list
    await rig.dispatch.fleet.publish(node.row.id);
    await eventually('the list without the app', () => agent.egress?.apps.length === 0);
  });

  it('sends every later change, at least the last of many, and knows which one was acknowledged', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const agent = fakeAgent();
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    await eventually('the nodes connected', () => connectedNames(rig).length === 1);
    const ids = await Promise.all(Array.from({ length: 20 }, () => assign(rig, node.row.id)));
    await eventually('all assignments', () => agent.accepted.at(-1)?.assignments.length === 20);
    assert.ok(ids.every((id) => has(agent, id)));
    const generation = agent.accepted.at(-1)?.generation;
    await eventually('the acknowledgement', () => rig.dispatch.acknowledgement(node.row.id)?.generation === generation);
  });

  it('sends no route table twice: after a restart of the controller, only nodes with another table get it', async (t) => {
    const rig = await startRig(t);
    const [alpha, beta] = [await rig.join('alpha'), await rig.join('beta')];
    const [same, other] = [fakeAgent(), fakeAgent()];
    connectAgent(t, rig, { stateDir: alpha.stateDir, agent: same });
    connectAgent(t, rig, { stateDir: beta.stateDir, agent: other });
    const peersOf = (agent: FakeAgent): number | undefined => agent.routes?.peers.length;
    await eventually(
      'the table',
      () => peersOf(same) === 2 && peersOf(other) === 2 && connectedNames(rig).length === 2,
    );
    const former = same.routes?.epoch.counter ?? 0;
    for (const agent of [same, other]) agent.updates = [];
    if (other.routes !== undefined) other.routes = { ...other.routes, peers: [] };
    await rig.restart();
    await eventually('the next life', () =>
      [same, other].every((agent) => (agent.routes?.epoch.counter ?? 0) > former),
    );
    assert.equal(same.updates[0]?.peers.length, 0);
    assert.notEqual(same.updates[0].sameAs, undefined);
    assert.equal(other.updates[0]?.peers.length, 2);
    assert.deepEqual(same.routes?.peers, other.routes?.peers);
    await rig.dispatch.fleet.routesApplied(rig.app.id, AbortSignal.timeout(60_000));
    assert.deepEqual(
      rig.logger.events.filter(({ event }) => event === 'routes.not_applied'),
      [],
    );
  });

  it('a restored database: the status of a node has its refusal of the routes, until the operator declares it restored', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const agent = fakeAgent();
    const later = {
      epoch: { counter: 1_000, id: 'after-the-backup' },
      version: 7,
      peers: [],
      apps: [],
      refused: [],
      certificates: [],
    };
    agent.routes = later;
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    const refusal = (): Reason | undefined => rig.dispatch.fleet.node(node.row.id)?.refusedRoutesReason;
    const { code, hint } = await eventually('the refusal', refusal);
    assert.equal(code, 'SLIP_ROUTES_OLD_EPOCH');
    assert.match(hint ?? '', /run `node controller\/main\.ts restored`/);
    assert.deepEqual(agent.routes, later);
    await rig.store.declareRestored();
    await rig.restart();
    await eventually(
      'its routes',
      () => (agent.routes?.epoch.counter ?? 0) > later.epoch.counter && agent.routes?.peers.length === 1,
    );
    await eventually('no refusal', () => connectedNames(rig).length === 1 && refusal() === undefined);
  });

  it('carries reports to the fleet and tells listeners', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const agent = fakeAgent();
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent });
    await eventually('the session', () => session.connected);
    const id = await assign(rig, node.row.id);
    await eventually('the assignment', () => has(agent, id));
    const told = new Promise((resolve) => rig.dispatch.fleet.onChange(resolve));
    agent.statuses = [live(id)]; // the first report of another session, if this one ends on a busy machine
    session.reportInstances([live(id)]);
    assert.equal(await told, node.row.id);
    await eventually('the status', () => rig.dispatch.fleet.status(id)?.state === 'live');
  });

  it('ignores reports about instances of another node', async (t) => {
    const rig = await startRig(t);
    const [alpha, beta] = [await rig.join('alpha'), await rig.join('beta')];
    const [honest, liar] = [fakeAgent(), fakeAgent()];
    connectAgent(t, rig, { stateDir: alpha.stateDir, agent: honest });
    const session = connectAgent(t, rig, { stateDir: beta.stateDir, agent: liar });
    await eventually('the session', () => connectedNames(rig).length === 2 && session.connected);
    const [hers, his] = [await assign(rig, alpha.row.id), await assign(rig, beta.row.id)];
    await eventually('the assignment', () => has(liar, his));
    assert.ok(!has(liar, hers));
    session.reportInstances([live(hers), live(his)]);
    session.reportInstances([live(hers), live(his)]);
    await eventually('the status', () => rig.dispatch.fleet.status(his)?.state === 'live');
    assert.equal(rig.dispatch.fleet.status(hers), undefined);
    assert.equal(rig.logger.events.filter((one) => one.event === 'session.unknown_instances').length, 1);
  });

  it('sends the state again later when the agent refuses it, and shows the refusal meanwhile', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const agent = fakeAgent();
    agent.refuse = { code: 'SLIP_LEDGER_WRITE', message: 'disk full' };
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    await eventually(
      'the acknowledgement',
      () => rig.dispatch.acknowledgement(node.row.id)?.reason?.code === 'SLIP_LEDGER_WRITE',
    );
    agent.refuse = undefined;
    await eventually('an accepted state', () => agent.accepted.length > 0);
    await eventually('the acknowledgement', () => rig.dispatch.acknowledgement(node.row.id)?.reason === undefined);
  });

  it('a restarted controller gets the agents back, with their instances, in a higher epoch', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const agent = fakeAgent();
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent });
    await eventually('the session', () => session.connected);
    const id = await assign(rig, node.row.id);
    await eventually('the assignment', () => has(agent, id));
    agent.statuses = [live(id)];
    const before = agent.accepted.at(-1);
    const dispatch = await rig.restart();
    await eventually('the status', () => dispatch.fleet.status(id)?.state === 'live');
    assert.ok((agent.accepted.at(-1)?.epoch.counter ?? 0) > (before?.epoch.counter ?? 0));
    assert.equal(agent.accepted.at(-1)?.generation, before?.generation);
  });

  it('a second session of a node replaces the first', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const [first, second] = [fakeAgent(), fakeAgent()];
    const slow = { backoff: { firstMs: 60_000, maxMs: 60_000, factor: 2 } };
    const one = connectAgent(t, rig, { stateDir: node.stateDir, agent: first, config: slow });
    await eventually('the session', () => one.connected);
    const two = connectAgent(t, rig, { stateDir: node.stateDir, agent: second, config: slow });
    await eventually('the session', () => two.connected && !one.connected);
    assert.deepEqual(connectedNames(rig), ['alpha']);
  });

  it('a silent node is unreachable after the time limit, and ready again when it is back', async (t) => {
    const rig = await startRig(t, { unreachableAfterMs: 500 });
    const node = await rig.join('alpha');
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    await session.close();
    await eventually('no node connected', () => connectedNames(rig).length === 0);
    await eventually(
      'the node unreachable',
      async () => (await rig.store.nodeBySerial(node.issued.serial))?.state === 'unreachable',
    );
    connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
    await eventually(
      'the node ready',
      async () => (await rig.store.nodeBySerial(node.issued.serial))?.state === 'ready',
    );
  });

  it('heartbeats keep a quiet node ready, and never write to the database', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    const facts = (await rig.store.nodeBySerial(node.issued.serial))?.facts;
    await eventually('a heartbeat', () => rig.dispatch.fleet.nodes()[0]?.load1 === 0.5);
    assert.equal(rig.dispatch.fleet.nodes()[0]?.diskFreeBytes, 4e9);
    assert.equal(rig.dispatch.fleet.nodes()[0]?.unreadableRequests?.count, 2);
    assert.deepEqual((await rig.store.nodeBySerial(node.issued.serial))?.facts, facts);
  });
});
