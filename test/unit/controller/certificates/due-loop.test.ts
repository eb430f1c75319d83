import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DueLoop } from '../../../../controller/certificates/due-loop.ts';

/** Sleeps until the signal. Keeps the length of each sleep. */
function signalClock() {
  const sleepsMs: number[] = [];
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    sleepsMs.push(ms);
    return new Promise((_resolve, reject) => {
      const end = (): void => reject(new Error('aborted'));
      if (signal?.aborted === true) end();
      else signal?.addEventListener('abort', end, { once: true });
    });
  };
  return { sleepsMs, sleep };
}

describe('a loop over due work', () => {
  it('looks again after a change, also after one during a look, and ends with its signal', async () => {
    const off = new AbortController();
    const clock = signalClock();
    let looks = 0;
    const look = (): Promise<number> => {
      looks += 1;
      if (looks < 3) loop.changed();
      else off.abort();
      return Promise.resolve(Infinity);
    };
    const failures: unknown[] = [];
    const loop = new DueLoop({ clock, look, onFailure: (error) => failures.push(error) });
    await loop.run(off.signal);
    assert.deepEqual(failures, []);
    assert.equal(looks, 3);
    assert.deepEqual(clock.sleepsMs, [60_000, 60_000, 60_000], 'a jump of the clock is noticed');
  });

  it('reports a failed look and tries again, but not the failure that its end causes', async () => {
    const off = new AbortController();
    const failures: unknown[] = [];
    let looks = 0;
    const clock = signalClock();
    const look = (): Promise<number> => {
      looks += 1;
      if (looks === 1) loop.changed();
      else off.abort();
      return Promise.reject(new Error(`look ${String(looks)}`));
    };
    const loop = new DueLoop({ clock, look, onFailure: (error) => failures.push(error) });
    await loop.run(off.signal);
    assert.deepEqual(failures.map(String), ['Error: look 1']);
    assert.equal(clock.sleepsMs[0], 15_000);
  });
});
