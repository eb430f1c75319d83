import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import { COMMAND_OUTPUT_BYTES, type CommandRow, type NewCommand } from '../../controller/domain/commands.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import { COMMAND_OUTPUTS_BYTES } from '../../controller/store/sqlite/outputs.ts';
import type { ScriptName } from '../../shared/domain/deploy-scripts.ts';
import type { TaskId } from '../../shared/domain/ids.ts';
import { parseUserName } from '../../shared/domain/names.ts';
import type { TaskState } from '../../shared/domain/states.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addNode, addUser, digestOf, newRelease, noChange } from '../support/store-fixtures.ts';

const DONE = { exit: { code: 0, oomKilled: false, atMs: 5 }, durationMs: 3 };
const MIB = 1024 * 1024;

interface Given {
  readonly store: Store;
  readonly app: App;
  readonly node: NodeRow;
  add(change?: Partial<NewCommand>): Promise<CommandRow>;
}

async function given(store: Store): Promise<Given> {
  const app = await addApp(store, (await addUser(store)).id);
  const node = await addNode(store);
  const add = (change: Partial<NewCommand> = {}): Promise<CommandRow> =>
    store.createCommand({
      ...{ id: randomId() as TaskId, kind: 'run', appId: app.id, nodeId: node.id, release: 1, command: 'ls' },
      ...{ memoryBytes: 64 * MIB, timeoutMs: 1000, graceMs: 10, userId: app.ownerId },
      ...change,
    });
  return { store, app, node, add };
}

/** Commands that run once. */
export function commandCases(get: () => Store): void {
  it('knows the failed scripts of the current release, until another release is current', async () => {
    const { store, app, add } = await given(get());
    const live = async (): Promise<number> => {
      const { version } = await store.createRelease(newRelease(app));
      await store.beginRollout(app.id, version, noChange);
      await store.completeRollout(app.id, version, noChange);
      return version;
    };
    const script = async (release: number, label: ScriptName, state: TaskState): Promise<void> => {
      const { id } = await add({ kind: 'release', release, label, userId: undefined });
      if (state === 'cancelled') await store.setCommandCancelled(id);
      const failure = { code: 'SLIP_COMMAND_EXIT', message: 'It failed.' };
      const cancelled = { ...DONE, endedBy: 'cancel' } as const;
      if (state === 'failed') await store.endCommand(id, { failure });
      else await store.endCommand(id, { result: state === 'cancelled' ? cancelled : DONE });
    };
    const failed = async (): Promise<readonly string[]> =>
      (await store.failedScripts(app.id)).map(({ process }) => process);
    const first = await live();
    await script(first, 'predeploy', 'failed');
    await script(first, 'setup', 'failed');
    await script(first, 'postdeploy', 'failed');
    const own = [`release.setup.${String(first)}`, `release.postdeploy.${String(first)}`];
    assert.deepEqual(await failed(), own);
    const ofAll = (await store.failedScripts()).filter(({ appId }) => appId === app.id);
    assert.deepEqual(ofAll, await store.failedScripts(app.id));
    await store.createRelease(newRelease(app));
    assert.deepEqual(await failed(), own, 'the next release is not current yet');
    const next = await live();
    assert.deepEqual(await failed(), [], 'its script has not ended, or it has none');
    await script(next, 'postdeploy', 'cancelled');
    assert.deepEqual(await failed(), [], 'a user stopped it');
  });

  it('numbers the commands of an app, and keeps what they print and how they end', async () => {
    const { store, app, add } = await given(get());
    const [first, second] = [await add(), await add({ kind: 'cron', userId: undefined })];
    assert.deepEqual(
      [first.process, first.state, second.process, second.userId],
      ['run.1', 'pending', 'cron.2', undefined],
    );
    await store.setTaskState(first.id, 'running');
    await store.appendCommandOutput(first.id, { text: 'one\n', bytes: 4, lines: 1 });
    await store.appendCommandOutput(first.id, { text: 'two\n', bytes: 4, lines: 1 });
    await store.setCommandCancelled(first.id);
    const running = await store.commandByProcess(app.id, 'run.1');
    assert.deepEqual([running?.outputBytes, running?.outputLines, running?.cancelled], [8, 2, true]);
    assert.equal(await store.commandOutput(first.id), 'one\ntwo\n');
    const ended = await store.endCommand(first.id, { result: DONE });
    assert.deepEqual([ended?.state, ended?.result, ended?.failure], ['succeeded', DONE, undefined]);
    const again = await store.endCommand(first.id, { failure: { code: 'SLIP_COMMAND_UNKNOWN', message: 'No.' } });
    assert.equal(again?.state, 'succeeded');
    assert.deepEqual(
      (await store.unfinishedCommands()).map(({ id }) => id),
      [second.id],
    );
    assert.deepEqual(
      (await store.commandsOfApp(app.id, 9)).map(({ id }) => id),
      [second.id, first.id],
    );
  });

  it('keeps which drain ended a command: it has failed', async () => {
    const { store, add } = await given(get());
    const { id } = await add();
    await store.setTaskState(id, 'running');
    await store.setCommandCancelled(id, 'fra-1');
    const ended = await store.endCommand(id, { result: { ...DONE, endedBy: 'cancel' } });
    assert.deepEqual([ended?.state, ended?.drainedNode], ['failed', 'fra-1']);
    assert.equal(ended?.failure?.message, 'run.1 of hello was stopped, because node fra-1 was drained.');
  });

  it('does not blame a drain for a command that a user had stopped, or that ended by itself', async () => {
    const { store, add } = await given(get());
    const [stopped, done] = [await add(), await add()];
    for (const { id } of [stopped, done]) await store.setTaskState(id, 'running');
    await store.setCommandCancelled(stopped.id);
    for (const { id } of [stopped, done]) await store.setCommandCancelled(id, 'fra-1');
    await store.endCommand(stopped.id, { result: { ...DONE, endedBy: 'cancel' } });
    await store.endCommand(done.id, { result: DONE });
    const rows = await Promise.all([stopped, done].map(({ id }) => store.command(id)));
    assert.deepEqual(
      rows.map((row) => row?.state),
      ['cancelled', 'succeeded'],
    );
  });

  it('keeps the first 256 KiB of the output of a command, and bounds the outputs of an app', async () => {
    const { store, add } = await given(get());
    const text = 'é'.repeat(COMMAND_OUTPUT_BYTES / 4);
    const print = async (): Promise<CommandRow> => {
      const row = await add();
      await store.setTaskState(row.id, 'running');
      for (let part = 0; part < 3; part += 1)
        await store.appendCommandOutput(row.id, { text, bytes: Buffer.byteLength(text), lines: 0 });
      await store.endCommand(row.id, { result: DONE });
      return row;
    };
    const first = await print();
    assert.equal(Buffer.byteLength(await store.commandOutput(first.id)), COMMAND_OUTPUT_BYTES);
    for (let made = 0; made < COMMAND_OUTPUTS_BYTES / COMMAND_OUTPUT_BYTES; made += 1) await print();
    const last = await add();
    assert.equal(await store.commandOutput(first.id), '');
    assert.equal((await store.commandByProcess(last.appId, 'run.1'))?.outputBytes, Buffer.byteLength(text) * 3);
    assert.notEqual(await store.commandOutput((await store.commandByProcess(last.appId, 'run.17'))!.id), '');
  });

  it('has one release command for each release', async () => {
    const { store, app, add } = await given(get());
    const release = await add({ kind: 'release', release: 12 });
    assert.equal(release.process, 'release.12');
    await assert.rejects(add({ kind: 'release', release: 12 }), { code: 'SLIP_COMMAND_EXISTS' });
    await store.endCommand(release.id, { failure: { code: 'SLIP_COMMAND_UNKNOWN', message: 'No.' } });
    assert.equal((await store.commandOfRelease(app.id, 12))?.state, 'failed');
    await assert.rejects(add({ kind: 'release', release: 12 }), { code: 'SLIP_COMMAND_EXISTS' });
    assert.equal((await add()).process, 'run.1');
  });

  it('has the output of a release command in the output of its release too, and that of another command not', async () => {
    const { store, app, add } = await given(get());
    const { version } = await store.createRelease(newRelease(app));
    const [command, other] = [await add({ kind: 'release', release: version }), await add({ release: version })];
    for (const { id } of [command, other, command])
      await store.appendCommandOutput(id, { text: 'one\n', bytes: 4, lines: 1 });
    assert.equal(await store.commandOutput(other.id), 'one\n');
    assert.equal((await store.command(command.id))?.outputBytes, 8);
    assert.equal(await store.releaseOutput(app.id, version), 'one\none\n');
  });

  it('has each script of app.json once for each release, beside its release command', async () => {
    const { store, app, add } = await given(get());
    await add({ kind: 'release', release: 12 });
    const script = await add({ kind: 'release', release: 12, label: 'predeploy' });
    assert.equal(script.process, 'release.predeploy.12');
    const again = add({ kind: 'release', release: 12, label: 'predeploy' });
    await assert.rejects(again, { code: 'SLIP_COMMAND_EXISTS' });
    assert.equal((await store.commandOfRelease(app.id, 12, 'predeploy'))?.id, script.id);
    assert.equal(await store.commandOfRelease(app.id, 12, 'postdeploy'), undefined);
  });

  it('counts the memory of running commands as promised, and their layers as readable', async () => {
    const { store, app, node, add } = await given(get());
    const { version } = await store.createRelease(newRelease(app));
    const command = await add({ release: version });
    assert.equal((await store.promisedMemory()).get(node.id)?.memoryBytes, 64 * MIB);
    assert.equal(await store.commandUsesImage(node.id, digestOf('a')), true);
    assert.equal(await store.commandUsesImage(node.id, digestOf('f')), false);
    await store.endCommand(command.id, { failure: { code: 'SLIP_COMMAND_CANCELLED', message: 'Stopped.' } });
    assert.equal((await store.command(command.id))?.state, 'cancelled');
    assert.equal((await store.promisedMemory()).get(node.id)?.memoryBytes ?? 0, 0);
    assert.equal(await store.commandUsesImage(node.id, digestOf('a')), false);
  });

  it('keeps a limited number of ended commands, and none of a destroyed app', async () => {
    const { store, app, add } = await given(get());
    for (let at = 0; at < 103; at += 1)
      await store.endCommand((await add()).id, { failure: { code: 'SLIP_COMMAND_UNKNOWN', message: 'No.' } });
    const last = await add();
    assert.equal(last.process, 'run.104');
    assert.equal((await store.commandsOfApp(app.id, 1000)).length, 101);
    await store.destroyApp(app.id, parseUserName('ada'));
    assert.equal(await store.command(last.id), undefined);
    assert.equal(await store.endCommand(last.id, { result: DONE }), undefined);
  });
}
