import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Drains } from '../../../../controller/movement/drains.ts';
import type { NodeRow } from '../../../../controller/domain/nodes.ts';
import type { Store } from '../../../../controller/store/port.ts';
import type { TaskId } from '../../../../shared/domain/ids.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { FakeFleet } from '../../../support/fake-fleet.ts';
import { liveNodeOf } from '../../../support/live-node.ts';
import { addApp, addNode, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly drains: Drains;
  readonly cancelled: string[];
  addCommand(): Promise<TaskId>;
  node(): Promise<NodeRow | undefined>;
  events(): Promise<readonly string[]>;
}

/** A node that is drained for one more second. */
async function lab(): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const added = await addNode(store);
  const clock = new VirtualClock();
  await store.changeNode(added.id, { cordoned: true, drainUntilMs: clock.nowMs() + 1_000 });
  const fleet = new FakeFleet();
  fleet.live = [liveNodeOf(added, { draining: true, cordoned: true })];
  const cancelled: string[] = [];
  const cancel = async (id: TaskId, drainedNode?: string): Promise<void> => {
    cancelled.push(`${id} ${String(drainedNode)}`);
    await store.setCommandCancelled(id, drainedNode);
  };
  const addCommand = async (): Promise<TaskId> => {
    const id = randomId() as TaskId;
    const own = { id, kind: 'run', appId: app.id, nodeId: added.id, release: 1, command: 'ls' } as const;
    await store.createCommand({ ...own, memoryBytes: 1, timeoutMs: 1_000, graceMs: 10 });
    await store.setTaskState(id, 'running');
    return id;
  };
  const drains = new Drains({ store, fleet, commands: { cancel }, clock, log: silentLogger });
  const node = async (): Promise<NodeRow | undefined> => (await store.nodes())[0];
  const events = async (): Promise<readonly string[]> => (await store.events({ limit: 9 })).map(({ kind }) => kind);
  return { store, clock, drains, cancelled, addCommand, node, events };
}

describe('the drain of a node with one-off commands', () => {
  it('waits for them, and ends when they have ended', async () => {
    const { store, drains, cancelled, addCommand, node, events } = await lab();
    const id = await addCommand();
    await drains.check();
    assert.ok((await node())?.drainUntilMs !== undefined);
    await store.endCommand(id, { failure: { code: 'SLIP_COMMAND_FAILED', message: 'It failed.' } });
    await drains.check();
    assert.deepEqual([(await node())?.drainUntilMs, (await node())?.cordoned, cancelled], [undefined, true, []]);
    assert.ok((await events()).includes('node.drained'));
  });

  it('stops them once at the deadline, with the name of the node, and waits for their end', async () => {
    const { clock, drains, cancelled, addCommand, node, events } = await lab();
    const id = await addCommand();
    await clock.advance(1_000);
    await drains.check();
    await drains.check();
    assert.deepEqual(cancelled, [`${id} node-one`]);
    assert.ok((await node())?.drainUntilMs !== undefined);
    assert.ok((await events()).includes('command.drained'));
  });

  it('ends without a command that does not end, and says so', async () => {
    const { store, clock, drains, addCommand, node } = await lab();
    await addCommand();
    await clock.advance(1_000);
    await drains.check();
    await clock.advance(60_000);
    await drains.check();
    assert.equal((await node())?.drainUntilMs, undefined);
    const [last] = await store.events({ limit: 1 });
    assert.equal(
      last?.message,
      'The deadline of the drain of node-one has passed: 1 one-off command still runs there. The node stays cordoned.',
    );
  });
});
