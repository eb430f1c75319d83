import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OneOffs, type OneOffRequest } from '../../../../controller/one-off/one-offs.ts';
import type { CommandRow } from '../../../../controller/domain/commands.ts';
import type { CommandTask } from '../../../../shared/domain/command.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';
import { liveNodeOf } from '../../../support/live-node.ts';
import { addApp, addNode, addUser, newRelease, openMemoryStore } from '../../../support/store-fixtures.ts';

const MIB = 1024 * 1024;

interface Lab {
  readonly sent: CommandTask[];
  start(change?: Partial<OneOffRequest>): Promise<CommandRow>;
}

async function lab(memoryBytes: number, takes = true): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const node = await addNode(store, 'fra-1');
  await store.setNodeState(node.id, 'ready');
  const release = await store.createRelease(newRelease(app));
  const sent: CommandTask[] = [];
  const oneOffs = new OneOffs({
    ...{ store, randomId },
    fleet: { nodes: () => [{ ...liveNodeOf(node), memoryBytes, diskFreeBytes: 1e12, platform: 'debian-12-x64' }] },
    commands: {
      start: (_row, task) => Promise.resolve(void sent.push(task)),
      cancel: () => Promise.resolve(),
      ended: () => new Promise(() => undefined),
      onProgress: () => () => undefined,
      takes: () => takes,
    },
  });
  const request = { kind: 'run', release, command: 'ls', processType: 'web', timeoutMs: 1000 } as const;
  return { sent, start: (change) => oneOffs.start(app, { ...request, ...change }) };
}

describe('one-off commands', () => {
  it('get the slug and the config of the release, and their own variables', async () => {
    const { sent, start } = await lab(1e12);
    const row = await start({ env: sealAll({ A: '1' }), memoryBytes: 64 * MIB });
    const [task] = sent;
    assert.ok(task !== undefined);
    assert.deepEqual([row.process, task.process, task.layers.length], ['run.1', 'run.1', 2]);
    assert.deepEqual([task.config['SECRET']?.reveal(), task.env['A']?.reveal()], ['s3cret', '1']);
    assert.deepEqual([task.limits.memoryBytes, task.graceMs], [64 * MIB, 30_000]);
  });

  it('never get the same memory twice, also when they start at once', async () => {
    const { start } = await lab((1024 * MIB) / 0.9);
    const outcomes = await Promise.allSettled([start(), start(), start()]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
  });

  it('have a limit for each app', async () => {
    const { start } = await lab(1e15);
    const outcomes = await Promise.allSettled(Array.from({ length: 25 }, () => start()));
    const refused = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
    );
    assert.deepEqual(refused, Array(5).fill('SLIP_COMMAND_LIMIT'));
    assert.equal((await start({ kind: 'cron' })).kind, 'cron');
  });

  it('are refused in words when no node can run them', async () => {
    const old = await lab(1e12, false);
    await assert.rejects(old.start(), { code: 'SLIP_COMMAND_NO_NODE', message: /fra-1: its agent is too old/ });
    const full = await lab(MIB);
    await assert.rejects(full.start(), { code: 'SLIP_COMMAND_NO_NODE', message: /512 MB are needed/ });
    await assert.rejects(full.start({ node: 'mars' }), { message: /there is no node mars/ });
  });
});
