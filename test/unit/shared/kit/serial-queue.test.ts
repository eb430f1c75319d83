import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SerialQueue } from '../../../../shared/kit/serial-queue.ts';

describe('serial queue', () => {
  it('starts work when the work before it has ended, also after a failure', async () => {
    const queue = new SerialQueue();
    const events: string[] = [];
    const first = queue.add(async () => {
      events.push('first starts');
      await Promise.resolve();
      events.push('first ends');
      throw new Error('first');
    });
    const second = queue.add(() => Promise.resolve(events.push('second')));
    await assert.rejects(first, /^Error: first$/);
    assert.equal(await second, 3);
    assert.deepEqual(events, ['first starts', 'first ends', 'second']);
  });
});
