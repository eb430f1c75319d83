import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Commands } from '../../../../controller/dispatch/commands.ts';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import type { CommandRow, NewCommand } from '../../../../controller/domain/commands.ts';
import type { Store } from '../../../../controller/store/port.ts';
import type { CommandTask } from '../../../../shared/domain/command.ts';
import type { NodeId, TaskId } from '../../../../shared/domain/ids.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import type { ControllerMessage, Hello, TaskResult } from '../../../../shared/rpc/messages.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { addApp, addNode, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

const DONE = { ok: true, result: { exit: { code: 0, oomKilled: false, atMs: 9 }, durationMs: 1 } } as const;
/** A complete Hello has the facts of a node. Commands read only these two fields. */
const helloOf = (...runningTaskIds: readonly TaskId[]): Hello =>
  ({ runningTaskIds, taskKinds: ['run', 'release'] }) as unknown as Hello;

interface Lab {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly sent: string[];
  readonly session: AgentSession;
  readonly commands: Commands;
  readonly node: NodeId;
  /** A controller process after this one. */
  next(): Promise<Commands>;
  add(change?: Partial<NewCommand>): Promise<CommandRow>;
  result(id: TaskId): TaskResult;
}

async function lab(): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const { id: node } = await addNode(store);
  const clock = new VirtualClock();
  const sent: string[] = [];
  const send = (message: ControllerMessage): number => sent.push(message.kind);
  // A real session needs a stream. These are the fields that are read.
  const session = {
    nodeId: node,
    hello: helloOf(),
    send,
    warnOnce: () => sent.push('warn'),
  } as unknown as AgentSession;
  const parts = { store, clock, logger: silentLogger, failpoint: noFailpoint, rejoinMs: 1_000 };
  const make = (): Commands => new Commands({ ...parts, session: () => session, nodeName: () => 'fra-1' });
  const add = (change: Partial<NewCommand> = {}): Promise<CommandRow> =>
    store.createCommand({
      ...{ id: randomId() as TaskId, kind: 'run', appId: app.id, nodeId: node, release: 1, command: 'ls' },
      ...{ memoryBytes: 1, timeoutMs: 1000, graceMs: 10 },
      ...change,
    });
  const next = async (): Promise<Commands> => {
    const commands = make();
    await commands.load();
    return commands;
  };
  const result = (taskId: TaskId): TaskResult => ({ kind: 'taskResult', taskId, outcome: DONE });
  return { store, clock, sent, session, commands: make(), node, next, add, result };
}

/** Commands pass the task on and read nothing of it. */
const start = (commands: Commands, row: CommandRow): Promise<void> =>
  commands.start(row, { taskId: row.id } as unknown as CommandTask);

describe('commands on agents', () => {
  it('say when more output is stored, and when a command has ended', async () => {
    const { store, clock, session, commands, add, result } = await lab();
    const row = await add();
    const { id } = row;
    assert.equal(
      commands.onProgress(id, () => assert.fail('it is not sent yet')),
      undefined,
    );
    await start(commands, row);
    const seen: string[] = [];
    const stop = commands.onProgress(id, () => seen.push('change'));
    commands.onOutput(session, { kind: 'taskOutput', taskId: id, chunk: Buffer.from('one\n') });
    assert.deepEqual(seen, [], 'it is not stored yet');
    await clock.advance(1_000);
    assert.deepEqual([seen.length, await store.commandOutput(id)], [1, 'one\n']);
    stop?.();
    let ended = 0;
    commands.onProgress(id, () => (ended += 1));
    commands.onResult(session, result(id));
    await commands.ended(id);
    assert.deepEqual([seen.length, ended], [1, 1]);
    assert.equal(
      commands.onProgress(id, () => assert.fail('it has ended')),
      undefined,
    );
  });

  it('are sent once, and their result is stored before it is acknowledged', async () => {
    const { commands, store, session, sent, add, result, node } = await lab();
    const row = await add();
    await start(commands, row);
    assert.deepEqual(
      [(await store.command(row.id))?.state, sent, commands.holds(row.id, node)],
      ['running', ['startTask'], true],
    );
    let text = '';
    const ended = commands.ended(row.id, (more) => (text += more));
    commands.onOutput(session, { kind: 'taskOutput', taskId: row.id, chunk: Buffer.from('hi\n') });
    assert.deepEqual(commands.progressOn(node), [{ taskId: row.id, outputBytes: 3, outputLines: 1 }]);
    commands.onResult(session, result(row.id));
    assert.equal((await ended)?.state, 'succeeded');
    assert.deepEqual([text, await store.commandOutput(row.id), sent], ['hi\n', 'hi\n', ['startTask', 'taskAck']]);
  });

  it('are followed by the next controller, with the output that it lacks', async () => {
    const { commands, store, session, add, next, result, node } = await lab();
    const row = await add();
    await start(commands, row);
    commands.close();
    await store.appendCommandOutput(row.id, { text: 'hi\n', bytes: 3, lines: 1 });
    const later = await next();
    assert.deepEqual(later.progressOn(node), [{ taskId: row.id, outputBytes: 3, outputLines: 1 }]);
    later.onHello(session, helloOf(row.id));
    const ended = later.ended(row.id);
    later.onResult(session, result(row.id));
    assert.equal((await ended)?.state, 'succeeded');
  });

  it('that were not sent have not run: a release may start its command again', async () => {
    const { store, add, next } = await lab();
    const [run, release] = [await add(), await add({ kind: 'release', release: 7 })];
    await next();
    assert.equal((await store.command(run.id))?.failure?.code, 'SLIP_COMMAND_NOT_STARTED');
    assert.equal(await store.command(release.id), undefined);
  });

  it('fail when their node does not know them any more, or is removed', async () => {
    const { commands, session, add, node } = await lab();
    const [first, second] = [await add(), await add()];
    for (const row of [first, second]) await start(commands, row);
    const [lost, removed] = [commands.ended(first.id), commands.ended(second.id)];
    commands.onHello(session, helloOf(second.id));
    assert.equal((await lost)?.failure?.code, 'SLIP_COMMAND_UNKNOWN');
    commands.onRemoved(node);
    assert.equal((await removed)?.failure?.code, 'SLIP_COMMAND_UNKNOWN');
  });

  it('wait for a node that is away: a release command for a short time, others until their limit', async () => {
    const { commands, clock, add, node } = await lab();
    const [run, release] = [await add({ timeoutMs: 3_600_000 }), await add({ kind: 'release', release: 7 })];
    for (const row of [run, release]) await start(commands, row);
    const lost = commands.ended(release.id);
    commands.onDisconnect(node);
    await clock.advance(2_000);
    assert.equal((await lost)?.failure?.code, 'SLIP_COMMAND_UNKNOWN');
    assert.equal(commands.holds(run.id, node), true);
  });

  it('are cancelled by their agent, again after each reconnection', async () => {
    const { commands, session, sent, add, next } = await lab();
    const row = await add();
    await start(commands, row);
    await commands.cancel(row.id);
    await commands.cancel(row.id);
    assert.deepEqual(sent, ['startTask', 'cancelTask']);
    commands.close();
    (await next()).onHello(session, helloOf(row.id));
    assert.deepEqual(sent, ['startTask', 'cancelTask', 'cancelTask']);
  });

  it('are not sent when a user stopped them first', async () => {
    const { commands, store, sent, add } = await lab();
    const row = await add();
    await commands.cancel(row.id);
    await start(commands, row);
    assert.deepEqual([sent, (await store.command(row.id))?.state], [['taskAck'], 'cancelled']);
  });

  it('ignore what another node says of them, and acknowledge an unknown result', async () => {
    const { commands, session, sent, add, result, node } = await lab();
    const row = await add();
    await start(commands, row);
    const warnOnce = (): number => sent.push('warn');
    // Another node. Nothing else of its session is read.
    const other = { nodeId: 'node00000002', warnOnce } as unknown as AgentSession;
    commands.onOutput(other, { kind: 'taskOutput', taskId: row.id, chunk: Buffer.from('evil') });
    commands.onResult(other, result(row.id));
    assert.deepEqual([commands.holds(row.id, node), sent], [true, ['startTask', 'warn', 'warn']]);
    commands.onResult(session, result('task00000009' as TaskId));
    assert.deepEqual(sent.at(-1), 'taskAck');
  });
});
