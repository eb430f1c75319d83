import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { NewTask } from '../../controller/domain/tasks.ts';
import type { Store } from '../../controller/store/port.ts';
import type { BuildId, TaskId } from '../../shared/domain/ids.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addNode, addUser } from '../support/store-fixtures.ts';

const FAILURE = { code: 'SLIP_X', message: 'It failed.', hint: 'Try again.' };

async function addTask(store: Store, app: App, buildId?: BuildId): Promise<NewTask> {
  const node = (await store.nodes())[0] ?? (await addNode(store));
  const task = { id: randomId() as TaskId, kind: 'build' as const, appId: app.id, nodeId: node.id, buildId };
  await store.createTask(task);
  return task;
}

async function addBuild(store: Store, app: App): Promise<BuildId> {
  return (await store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'c'.repeat(40) })).id;
}

/** Tasks that agents run are rows before they are sent. */
export function taskCases(get: () => Store): void {
  it('records a task from its creation to its end', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const [won, lost] = [await addTask(get(), app, await addBuild(get(), app)), await addTask(get(), app)];
    const created = await get().task(won.id);
    assert.deepEqual({ ...created, createdAtMs: 0 }, { ...won, ...PENDING });
    await get().setTaskState(won.id, 'running');
    assert.notEqual((await get().task(won.id))?.startedAtMs, undefined);
    assert.deepEqual(
      (await get().unfinishedTasks()).map(({ id }) => id),
      [won.id, lost.id],
    );
    await get().setTaskState(won.id, 'succeeded');
    await get().setTaskState(lost.id, 'failed', FAILURE);
    assert.deepEqual(await get().unfinishedTasks(), []);
    const [good, bad] = [await get().task(won.id), await get().task(lost.id)];
    assert.deepEqual([good?.state, good?.failure], ['succeeded', undefined]);
    assert.deepEqual([bad?.state, bad?.failure, bad?.startedAtMs], ['failed', FAILURE, undefined]);
    assert.notEqual(bad?.finishedAtMs, undefined);
  });

  it('refuses a state that a task cannot have next, and a task that does not exist', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const { id } = await addTask(get(), app);
    await assert.rejects(get().setTaskState(id, 'succeeded'), { code: 'SLIP_STATE_ILLEGAL' });
    await get().setTaskState(id, 'cancelled', FAILURE);
    await assert.rejects(get().setTaskState(id, 'running'), { code: 'SLIP_STATE_ILLEGAL' });
    const absent = randomId() as TaskId;
    await assert.rejects(get().setTaskState(absent, 'running'), { code: 'SLIP_STORE_NOT_FOUND' });
    assert.equal(await get().task(absent), undefined);
  });

  it('removes the task of a build with the build, and every task of an app with the app', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const buildId = await addBuild(get(), app);
    const [ofBuild, other] = [await addTask(get(), app, buildId), await addTask(get(), app)];
    await get().setBuildState(buildId, 'failed', { failure: FAILURE });
    await get().removeBuilds([buildId]);
    assert.equal(await get().task(ofBuild.id), undefined);
    assert.notEqual(await get().task(other.id), undefined);
    await addTask(get(), app, await addBuild(get(), app));
    const owner = await get().userById(app.ownerId);
    await get().destroyApp(app.id, owner!.name);
    assert.deepEqual(await get().unfinishedTasks(), []);
  });
}

const PENDING = {
  state: 'pending',
  createdAtMs: 0,
  startedAtMs: undefined,
  finishedAtMs: undefined,
  failure: undefined,
};
