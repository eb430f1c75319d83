import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Flights } from '../../../../agent/images/flights.ts';

const never = new AbortController().signal;

describe('work shared by key', () => {
  it('runs once for all who wait, and again for the next', async () => {
    const flights = new Flights();
    let runs = 0;
    const work = (): Promise<void> => Promise.resolve(void (runs += 1));
    await Promise.all([flights.join('a', never, work), flights.join('a', never, work), flights.join('b', never, work)]);
    assert.equal(runs, 2);
    await flights.join('a', never, work);
    assert.equal(runs, 3);
  });

  it('fails for all who wait', async () => {
    const flights = new Flights();
    const work = (): Promise<void> => Promise.reject(new Error('no'));
    const both = await Promise.allSettled([flights.join('a', never, work), flights.join('a', never, work)]);
    assert.deepEqual(
      both.map((each) => each.status),
      ['rejected', 'rejected'],
    );
  });

  it('is aborted when the last one leaves, and begins anew only after it has ended', async () => {
    const flights = new Flights();
    const log: string[] = [];
    const ended = Promise.withResolvers<undefined>();
    const slow = async (signal: AbortSignal): Promise<void> => {
      log.push('first begins');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await ended.promise;
      log.push('first ends');
    };
    const stop = new AbortController();
    const first = flights.join('a', stop.signal, slow);
    await Promise.resolve();
    stop.abort(new Error('left'));
    await assert.rejects(first, /left/);
    const second = flights.join('a', never, () => Promise.resolve(void log.push('second')));
    ended.resolve(undefined);
    await second;
    assert.deepEqual(log, ['first begins', 'first ends', 'second']);
  });
});
