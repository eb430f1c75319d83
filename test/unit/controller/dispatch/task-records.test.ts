import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { TaskRecords } from '../../../../controller/dispatch/task-records.ts';
import type { NewTask, TaskRecord } from '../../../../controller/domain/tasks.ts';
import type { Store } from '../../../../controller/store/port.ts';
import type { TaskId } from '../../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { addApp, addNode, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly records: TaskRecords;
  readonly newTask: () => NewTask;
  /** While it is on, the end of a task cannot be written. */
  readonly disk: { isFull: boolean };
}

async function lab(t: TestContext): Promise<Lab> {
  const store = await openMemoryStore();
  t.after(() => store.close());
  const app = await addApp(store, (await addUser(store)).id);
  const node = await addNode(store);
  const disk = { isFull: false };
  const full = new SlipwayError({ code: 'SLIP_DISK_FULL', message: 'The disk is full.' });
  const setTaskState: Store['setTaskState'] = (...change) =>
    disk.isFull ? Promise.reject(full) : store.setTaskState(...change);
  const records = new TaskRecords({ store: { ...store, setTaskState }, logger: silentLogger });
  const newTask = (): NewTask => ({ id: randomId() as TaskId, kind: 'build', appId: app.id, nodeId: node.id });
  return { store, records, newTask, disk };
}

function ending(record: TaskRecord | undefined): unknown {
  return [record?.state, record?.failure?.code];
}

describe('the rows of tasks', () => {
  it('say how each task ended', async (t) => {
    const { store, records, newTask } = await lab(t);
    const tasks = [newTask(), newTask(), newTask()] as const;
    for (const task of tasks) {
      await records.create(task);
      await records.started(task.id);
    }
    const error = new SlipwayError({ code: 'SLIP_X', message: 'It ended.' });
    await records.succeeded(tasks[0].id);
    await records.failed(tasks[1].id, error, false);
    await records.failed(tasks[2].id, error, true);
    assert.deepEqual(await Promise.all(tasks.map(async ({ id }) => ending(await store.task(id)))), [
      ['succeeded', undefined],
      ['failed', 'SLIP_X'],
      ['cancelled', 'SLIP_X'],
    ]);
  });

  it('say that a task failed which was not finished when the controller stopped', async (t) => {
    const { store, records, newTask } = await lab(t);
    const [pending, running, done] = [newTask(), newTask(), newTask()];
    for (const task of [pending, running, done]) await records.create(task);
    for (const { id } of [running, done]) await records.started(id);
    await records.succeeded(done.id);
    await new TaskRecords({ store, logger: silentLogger }).failInterrupted();
    assert.deepEqual(ending(await store.task(pending.id)), ['failed', 'SLIP_BUILD_INTERRUPTED']);
    assert.deepEqual(ending(await store.task(running.id)), ['failed', 'SLIP_BUILD_INTERRUPTED']);
    assert.deepEqual(ending(await store.task(done.id)), ['succeeded', undefined]);
  });

  it('are finished before the next task starts, when a full disk prevented this earlier', async (t) => {
    const { store, records, newTask, disk } = await lab(t);
    const first = newTask();
    await records.create(first);
    await records.started(first.id);
    disk.isFull = true;
    await records.succeeded(first.id);
    assert.deepEqual(ending(await store.task(first.id)), ['running', undefined]);
    await assert.rejects(records.create(newTask()), { code: 'SLIP_DISK_FULL' });
    disk.isFull = false;
    await records.create(newTask());
    assert.deepEqual(ending(await store.task(first.id)), ['succeeded', undefined]);
  });
});
