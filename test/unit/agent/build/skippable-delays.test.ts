import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SkippableDelays } from '../../../../agent/build/skippable-delays.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

function lab(): { clock: VirtualClock; delays: SkippableDelays; ended: string[]; begin: (key: string) => void } {
  const clock = new VirtualClock();
  const delays = new SkippableDelays(clock);
  const ended: string[] = [];
  const begin = (key: string): void =>
    void delays.delay(key, 2000).then(() => ended.push(`${String(clock.monotonicMs())} ${key}`));
  return { clock, delays, ended, begin };
}

describe('a delay', () => {
  it('ends after its time, or when a caller skips it', async () => {
    const { clock, delays, ended, begin } = lab();
    for (const app of ['one', 'two']) begin(app);
    await clock.advance(500);
    delays.skip('one');
    delays.skip('unknown');
    await clock.advance(3000);
    assert.deepEqual(ended, ['500 one', '2000 two']);
  });

  it('is skipped while work runs without delays', async () => {
    const { clock, delays, ended, begin } = lab();
    begin('one');
    await clock.advance(500);
    await delays.runWithoutDelays(async () => {
      await clock.advance(100);
      begin('two');
      await clock.advance(100);
    });
    assert.deepEqual(ended, ['500 one', '600 two']);
    begin('three');
    await clock.advance(5000);
    assert.deepEqual(ended.slice(2), ['2700 three']);
  });
});
