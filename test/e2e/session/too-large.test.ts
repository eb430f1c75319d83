import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { AppId, InstanceId, NodeId } from '../../../shared/domain/ids.ts';
import { sealAll } from '../../../shared/kit/sensitive.ts';
import { connectAgent, fakeAgent, startRig, type FakeAgent, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { openRawAgent, HELLO } from '../../support/raw-agent.ts';
import { addApp, assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

const MIB = 1024 * 1024;

/** An app whose config is older than any limit, with instances on the node. */
async function addLarge(
  rig: Rig,
  node: NodeId,
  { bytes, count }: { bytes: number; count: number },
): Promise<{ appId: AppId; ids: InstanceId[] }> {
  const app = await addApp(rig.store, rig.app.ownerId, 'large');
  await rig.store.createRelease({ ...newRelease(app), config: sealAll({ BLOB: 'x'.repeat(bytes) }) });
  const rows = Array.from({ length: count }, () => assignment({ nodeId: node, appId: app.id, release: 1 }));
  await rig.store.changeAssignments({ ...noChange, add: rows });
  return { appId: app.id, ids: rows.map((row) => row.instanceId) };
}

async function addSmall(rig: Rig, node: NodeId): Promise<InstanceId> {
  const row = assignment({ nodeId: node, appId: rig.app.id, release: 1 });
  await rig.store.changeAssignments({ ...noChange, add: [row] });
  await rig.dispatch.fleet.publish(node);
  return row.instanceId;
}

async function connected(t: TestContext, rig: Rig): Promise<{ node: NodeId; agent: FakeAgent }> {
  const { row, stateDir } = await rig.join('alpha');
  const agent = fakeAgent();
  connectAgent(t, rig, { stateDir, agent });
  await eventually('it is connected', () => rig.dispatch.fleet.node(row.id)?.connected);
  return { node: row.id, agent };
}

const idsOf = (agent: FakeAgent): readonly InstanceId[] =>
  agent.accepted.at(-1)?.assignments.map((one) => one.instanceId) ?? [];

describe('an app that is too large for the message of its node', () => {
  it('fails alone: the session stays, the other apps are started, and its status has the reason', async (t) => {
    const rig = await startRig(t);
    const { node, agent } = await connected(t, rig);
    const large = await addLarge(rig, node, { bytes: MIB, count: 9 });
    const small = await addSmall(rig, node);
    await eventually('the small app arrives', () => idsOf(agent).includes(small));
    assert.deepEqual(idsOf(agent), [small]);
    assert.deepEqual(
      agent.accepted
        .at(-1)
        ?.withheld?.map((one) => one.instanceId)
        .sort(),
      [...large.ids].sort(),
    );
    const status = await eventually('it is told', () => rig.dispatch.fleet.status(large.ids[0]!));
    assert.deepEqual([status.state, status.reason?.code], ['failed', 'SLIP_DISPATCH_SIZE']);
    assert.match(
      status.reason?.message ?? '',
      /^v1 of large is too large for one message to its node: .* take \d+ bytes \(config alone: 1048582\), and the limit is 262144\.$/,
    );
    assert.equal(rig.dispatch.fleet.node(node)?.connected, true);
    assert.equal(rig.logger.events.filter(({ event }) => event === 'session.closed').length, 0);
  });

  it('reaches the node in the same session when it is small enough', async (t) => {
    const rig = await startRig(t);
    const { node, agent } = await connected(t, rig);
    const large = await addLarge(rig, node, { bytes: 2 * MIB, count: 3 });
    await addSmall(rig, node);
    const app = (await rig.store.appById(large.appId))!;
    await rig.store.createRelease({ ...newRelease(app), config: sealAll({ BLOB: 'x' }) });
    const mended = assignment({ nodeId: node, appId: app.id, release: 2 });
    await rig.store.changeAssignments({
      ...noChange,
      add: [mended],
      setDesired: large.ids.map((instanceId) => ({ instanceId, desired: 'stop' as const })),
    });
    await rig.dispatch.fleet.publish(node);
    await eventually('the mended release arrives', () => idsOf(agent).includes(mended.instanceId));
    const stopped = await eventually('what was never started counts as stopped', () =>
      rig.dispatch.fleet.status(large.ids[0]!),
    );
    assert.equal(stopped.state, 'stopped');
    await rig.store.changeAssignments({ ...noChange, remove: large.ids });
    await rig.dispatch.fleet.publish(node);
    await eventually(
      'nothing is withheld',
      () => agent.accepted.at(-1)?.withheld === undefined && idsOf(agent).includes(mended.instanceId),
    );
    assert.equal(rig.dispatch.fleet.status(large.ids[0]!), undefined);
  });

  it('is named by its node where an older agent takes assignments whole; its session stays', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    await addLarge(rig, node.row.id, { bytes: MIB, count: 9 });
    const agent = openRawAgent(t, rig, node.issued.tls);
    agent.send({ hello: HELLO });
    const refusal = await eventually('it is told', () => rig.dispatch.fleet.node(node.row.id)?.refusedStateReason);
    assert.equal(refusal.code, 'SLIP_DISPATCH_SIZE');
    assert.match(refusal.message, /\(large: \d+\)\. Its agent accepts 8388608\.$/);
    assert.deepEqual([agent.heard.some((message) => message.body === 'desired'), agent.ended], [false, undefined]);
  });
});
