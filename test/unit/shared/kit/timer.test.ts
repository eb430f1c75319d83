import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Timers } from '../../../../shared/kit/timer.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

describe('timers of one owner', () => {
  it('fire once each, and not after they were cancelled', async () => {
    const clock = new VirtualClock();
    const [timers, fired] = [new Timers(clock), [] as string[]];
    timers.callAfter(10, () => fired.push('first'));
    const stop = timers.callAfter(20, () => fired.push('second'));
    timers.callAfter(30, () => fired.push('third'));
    await clock.advance(15);
    assert.deepEqual(fired, ['first']);
    stop();
    await clock.advance(1_000);
    assert.deepEqual(fired, ['first', 'third']);
  });

  it('do not fire after the owner closed, and no other one begins', async () => {
    const clock = new VirtualClock();
    const [timers, fired] = [new Timers(clock), [] as string[]];
    timers.callAfter(10, () => fired.push('before'));
    timers.close();
    timers.callAfter(10, () => fired.push('after'));
    await clock.advance(1_000);
    assert.deepEqual(fired, []);
  });
});
