import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followCronRun } from '../../../../../controller/api/operations/cron.ts';
import type { TaskId } from '../../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../../shared/kit/clock.ts';
import { randomId } from '../../../../../shared/kit/random-id.ts';
import { addApp, addNode, addUser, openMemoryStore } from '../../../../support/store-fixtures.ts';

const DONE = { exit: { code: 0, oomKilled: false, atMs: 5 }, durationMs: 3 };

async function lab({ isSent = true } = {}) {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const { id, process } = await store.createCronRun(
    { appId: app.id, name: 'report', events: [] },
    {
      ...{ id: randomId() as TaskId, kind: 'cron', appId: app.id, nodeId: (await addNode(store)).id, release: 1 },
      ...{ command: 'ls', label: 'report', memoryBytes: 1, timeoutMs: 1_000, graceMs: 10 },
    },
  );
  if (isSent) await store.setTaskState(id, 'running');
  const listeners = new Set<() => void>();
  const cronRuns = {
    start: () => assert.fail('it runs already'),
    onProgress: (_id: TaskId, listener: () => void) => {
      if (!isSent) return undefined;
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const stop = new AbortController();
  const runs = followCronRun({ store, cronRuns, clock: systemClock }, { app, process, signal: stop.signal });
  const changed = (): void => listeners.forEach((listener) => listener());
  return { store, id, runs, listeners, changed, stop };
}

describe('a run of a cron entry that a user follows', () => {
  it('is read after each change, and for the last time when it has ended', async () => {
    const { store, id, runs, listeners, changed } = await lab();
    assert.equal((await runs.next()).value?.output, '');
    const next = runs.next();
    await store.appendCommandOutput(id, { text: 'one\n', bytes: 4, lines: 1 });
    changed();
    assert.equal((await next).value?.output, 'one\n');
    await store.endCommand(id, { result: DONE });
    changed();
    assert.equal((await runs.next()).value?.command.state, 'succeeded');
    assert.deepEqual([(await runs.next()).done, listeners.size], [true, 0]);
  });

  it('is not read any more when the user leaves', async () => {
    const { runs, listeners, stop } = await lab();
    await runs.next();
    const next = runs.next();
    stop.abort();
    assert.deepEqual([(await next).done, listeners.size], [true, 0]);
  });

  it('is read once when no node has it yet', async () => {
    const { runs } = await lab({ isSent: false });
    assert.equal((await runs.next()).value?.command.state, 'pending');
    assert.equal((await runs.next()).done, true);
  });
});
