import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildTurns } from '../../../../controller/build/build-turns.ts';

const SIGNAL = new AbortController().signal;

test('as many builds of a user run as the quota allows; the others wait in their order and are told once', async () => {
  const turns = new BuildTurns();
  const order: string[] = [];
  const told: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const leave = await turns.enter('ada', { max: 2, signal: SIGNAL, waiting: () => told.push(name) });
    order.push(name);
    return leave;
  };
  const [a, b] = [await enter('a'), await enter('b')];
  const [c, d] = [enter('c'), enter('d')];
  assert.deepEqual(
    [order, told],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  );
  b();
  b();
  const leaveC = await c;
  assert.deepEqual(order, ['a', 'b', 'c'], 'a build that has ended gives its place to one other');
  a();
  leaveC();
  (await d)();
  assert.deepEqual([...order].sort(), ['a', 'b', 'c', 'd']);
  (await enter('e'))();
});

test('users do not wait for each other', async () => {
  const turns = new BuildTurns();
  const waiting = (): never => assert.fail('there is no reason to wait');
  await turns.enter('ada', { max: 1, signal: SIGNAL, waiting });
  await turns.enter('bob', { max: 1, signal: SIGNAL, waiting });
});

test('a build that is given up while it waits leaves its place in the line', async () => {
  const turns = new BuildTurns();
  const abort = new AbortController();
  const enter = (signal: AbortSignal): Promise<() => void> =>
    turns.enter('ada', { max: 1, signal, waiting: () => undefined });
  const leave = await enter(SIGNAL);
  const gone = enter(abort.signal);
  const next = enter(SIGNAL);
  abort.abort(new Error('the pusher is gone'));
  await assert.rejects(gone, /the pusher is gone/);
  leave();
  (await next)();
});
