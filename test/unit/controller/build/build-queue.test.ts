import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildQueue } from '../../../../controller/build/build-queue.ts';

const SIGNAL = new AbortController().signal;

test('as many builds of a user run as the quota allows; the others wait in their order and are told once', async () => {
  const queue = new BuildQueue();
  const order: string[] = [];
  const told: string[] = [];
  const acquire = async (name: string): Promise<() => void> => {
    const release = await queue.acquire('ada', { max: 2, signal: SIGNAL, onWait: () => told.push(name) });
    order.push(name);
    return release;
  };
  const [a, b] = [await acquire('a'), await acquire('b')];
  const [c, d] = [acquire('c'), acquire('d')];
  assert.deepEqual(
    [order, told],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  );
  b();
  b();
  const releaseC = await c;
  assert.deepEqual(order, ['a', 'b', 'c'], 'a build that has ended gives its place to one other');
  a();
  releaseC();
  (await d)();
  assert.deepEqual([...order].sort(), ['a', 'b', 'c', 'd']);
  (await acquire('e'))();
});

test('users do not wait for each other', async () => {
  const queue = new BuildQueue();
  const onWait = (): never => assert.fail('there is no reason to wait');
  await queue.acquire('ada', { max: 1, signal: SIGNAL, onWait });
  await queue.acquire('bob', { max: 1, signal: SIGNAL, onWait });
});

test('a cancelled build leaves the queue', async () => {
  const queue = new BuildQueue();
  const abort = new AbortController();
  const acquire = (signal: AbortSignal): Promise<() => void> =>
    queue.acquire('ada', { max: 1, signal, onWait: () => undefined });
  const release = await acquire(SIGNAL);
  const gone = acquire(abort.signal);
  const next = acquire(SIGNAL);
  abort.abort(new Error('the pusher is gone'));
  await assert.rejects(gone, /the pusher is gone/);
  release();
  (await next)();
});
