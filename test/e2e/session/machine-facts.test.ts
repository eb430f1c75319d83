import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeNodeFacts, type MachineFacts } from '../../../shared/domain/node-facts.ts';
import { connectAgent, fakeAgent, startRig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';

const MACHINE: MachineFacts = {
  product: 'Supermicro H11SSL',
  virtualization: 'none',
  cpuModel: 'AMD EPYC 7302P',
  cpuSockets: 1,
  cpuCores: 16,
  swapBytes: 0,
  disks: [{ name: 'nvme0n1', sizeBytes: 960e9, medium: 'SSD', model: 'Micron' }],
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'], speedMbps: 1000 }],
};

test('facts of a machine arrive with a heartbeat, are stored, and outlive a Hello without them', async (t) => {
  const rig = await startRig(t);
  const node = await rig.join('alpha');
  const agent = fakeAgent();
  const heartbeat = agent.heartbeat;
  agent.heartbeat = async () => ({ ...(await heartbeat()), factsJson: writeNodeFacts({ machine: MACHINE }) });
  const first = connectAgent(t, rig, { stateDir: node.stateDir, agent });
  await eventually('the facts', () => rig.dispatch.fleet.nodes()[0]?.machine !== undefined);
  assert.deepEqual(rig.dispatch.fleet.nodes()[0]?.machine, MACHINE);
  assert.equal(rig.dispatch.fleet.nodes()[0]?.kernel, '6');
  await eventually('stored facts', async () => (await rig.store.nodeById(node.row.id))?.facts?.['machine']);
  await first.close();
  connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
  await eventually('the next session', () => rig.dispatch.fleet.nodes()[0]?.load1 === 0.5);
  assert.deepEqual(rig.dispatch.fleet.nodes()[0]?.machine, MACHINE);
});
