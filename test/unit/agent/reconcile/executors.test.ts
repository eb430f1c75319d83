import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExecutors, type ExecutorDeps } from '../../../../agent/reconcile/executors.ts';
import { newRuntime } from '../../../../agent/reconcile/runtime.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';

const ID = 'instance0001';

describe('the step that removes an instance', () => {
  function setUp(destroy: () => Promise<void>) {
    const calls: string[] = [];
    const deps = {
      sandbox: { destroy: () => destroy().then(() => void calls.push('sandbox')) },
      proxy: { forget: async () => void calls.push('proxy') },
      logBook: { end: () => [] },
      records: { remove: async () => void calls.push('record') },
      clock: systemClock,
    } as unknown as ExecutorDeps;
    const instances = new Map([[ID, newRuntime(ID)]]);
    const { remove } = createExecutors(deps, instances);
    return { calls, instances, remove: () => remove({ kind: 'remove', instanceId: ID }, new AbortController().signal) };
  }

  it('destroys a half-made sandbox, which no driver shows', async () => {
    const { calls, instances, remove } = setUp(() => Promise.resolve());
    await remove();
    assert.deepEqual(calls, ['sandbox', 'proxy', 'record']);
    assert.equal(instances.size, 0);
  });

  it('keeps the instance while its sandbox cannot be destroyed', async () => {
    const { calls, instances, remove } = setUp(() => Promise.reject(new Error('busy')));
    await assert.rejects(remove(), /^Error: busy$/);
    assert.deepEqual(calls, []);
    assert.equal(instances.size, 1);
  });
});
