import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyedQueue, type TurnKind } from '../../../../shared/kit/keyed-queue.ts';

function bench() {
  const queue = new KeyedQueue();
  const seen: string[] = [];
  const job = (name: string, kind?: TurnKind, within?: () => Promise<void>): Promise<string> =>
    queue.enqueue(
      'app',
      async () => {
        seen.push(`${name} begins`);
        await within?.();
        await Promise.resolve();
        seen.push(`${name} ends`);
        return name;
      },
      kind,
    );
  return { queue, seen, job };
}

describe('a queue of turns', () => {
  it('runs one after the other per key, and other keys beside them', async () => {
    const { queue, seen, job } = bench();
    const both = Promise.all([job('a'), job('b'), queue.enqueue('other', () => Promise.resolve(seen.push('other')))]);
    assert.deepEqual([queue.busy('app'), queue.busy('nobody')], [true, false]);
    assert.deepEqual((await both).slice(0, 2), ['a', 'b']);
    assert.deepEqual(
      seen.filter((what) => what !== 'other'),
      ['a begins', 'a ends', 'b begins', 'b ends'],
    );
    assert.ok(seen.indexOf('other') < seen.indexOf('b begins'));
    assert.equal(queue.busy('app'), false);
  });

  it('continues after work that fails, and reports the failure only to its caller', async () => {
    const { queue, job } = bench();
    const failing = queue.enqueue('app', () => Promise.reject(new Error('no')));
    const next = job('b');
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'b');
    assert.equal(queue.busy('app'), false);
  });

  it('lets only queued moves run first when the holder allows it, in order, also when one fails', async () => {
    const { queue, seen, job } = bench();
    const long = job('long', 'work', async () => {
      await new Promise((resolve) => setImmediate(resolve)); // the others line up
      await queue.letPass('app', 'move');
      seen.push('long goes on');
    });
    const work = job('work');
    const failing = queue.enqueue('app', () => Promise.reject(new Error('no')), 'move');
    const moves = [job('move 1', 'move'), job('move 2', 'move')];
    await assert.rejects(failing, /no/);
    await Promise.all([long, work, ...moves]);
    const order = ['move 1', 'move 2'].flatMap((name) => [`${name} begins`, `${name} ends`]);
    assert.deepEqual(seen, ['long begins', ...order, 'long goes on', 'long ends', 'work begins', 'work ends']);
    assert.equal(queue.busy('app'), false);
    await queue.letPass('app', 'move');
  });
});
