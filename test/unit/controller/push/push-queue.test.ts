import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PushQueue } from '../../../../controller/push/push-queue.ts';

const SIGNAL = new AbortController().signal;

function unexpected(): void {
  throw new Error('nobody should wait here');
}

test('pushes of one app run in the order of arrival, and a waiting push sees the commit before it', async () => {
  const queue = new PushQueue();
  const told: string[] = [];
  const order: string[] = [];
  const enter = async (commit: string): Promise<() => void> => {
    const leave = await queue.enter('app', {
      commit,
      signal: SIGNAL,
      waiting: (holder) => told.push(`${commit} after ${holder}`),
    });
    order.push(commit);
    return leave;
  };
  const leaveA = await enter('a');
  const b = enter('b');
  const c = enter('c');
  leaveA();
  (await b)();
  (await c)();
  assert.deepEqual(order, ['a', 'b', 'c']);
  assert.deepEqual(told, ['b after a', 'c after a']);
});

test('apps do not wait for each other', async () => {
  const queue = new PushQueue();
  await queue.enter('one', { commit: 'a', signal: SIGNAL, waiting: unexpected });
  await queue.enter('two', { commit: 'b', signal: SIGNAL, waiting: unexpected });
});

test('a push that is cancelled while it waits leaves the queue', async () => {
  const queue = new PushQueue();
  const abort = new AbortController();
  const leave = await queue.enter('app', { commit: 'a', signal: SIGNAL, waiting: unexpected });
  const gone = queue.enter('app', { commit: 'b', signal: abort.signal, waiting: () => undefined });
  const next = queue.enter('app', { commit: 'c', signal: SIGNAL, waiting: () => undefined });
  abort.abort(new Error('gone'));
  await assert.rejects(gone, /gone/);
  leave();
  (await next)();
});
