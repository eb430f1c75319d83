import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TextQueue } from '../../../../controller/api/text-queue.ts';

it('passes text on in order, waits for more, and ends when it is closed', async () => {
  const queue = new TextQueue();
  queue.push('a');
  queue.push('b');
  const read = queue.read();
  assert.deepEqual(await read.next(), { value: 'ab', done: false });
  const next = read.next();
  queue.push('c');
  assert.deepEqual(await next, { value: 'c', done: false });
  queue.push('d');
  queue.close();
  assert.deepEqual(
    [await read.next(), await read.next()],
    [
      { value: 'd', done: false },
      { value: undefined, done: true },
    ],
  );
});

it('drops text when nobody reads, so that a slow client needs little memory', async () => {
  const queue = new TextQueue();
  for (let count = 0; count < 20; count += 1) queue.push('x'.repeat(1024 * 1024));
  queue.close();
  let length = 0;
  for await (const text of queue.read()) length += text.length;
  assert.equal(length, 8 * 1024 * 1024);
});
