import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pauses } from '../../../../agent/build/pauses.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

function lab(): { clock: VirtualClock; pauses: Pauses; ended: string[]; begin: (key: string) => void } {
  const clock = new VirtualClock();
  const pauses = new Pauses(clock);
  const ended: string[] = [];
  const begin = (key: string): void =>
    void pauses.pause(key, 2000).then(() => ended.push(`${String(clock.monotonicMs())} ${key}`));
  return { clock, pauses, ended, begin };
}

describe('a pause', () => {
  it('ends after its time, or when somebody waits for the work behind it', async () => {
    const { clock, pauses, ended, begin } = lab();
    for (const app of ['one', 'two']) begin(app);
    await clock.advance(500);
    pauses.end('one');
    pauses.end('unknown');
    await clock.advance(3000);
    assert.deepEqual(ended, ['500 one', '2000 two']);
  });

  it('does not take place while somebody waits for all work', async () => {
    const { clock, pauses, ended, begin } = lab();
    begin('one');
    await clock.advance(500);
    await pauses.none(async () => {
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
