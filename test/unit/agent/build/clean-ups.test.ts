import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CleanUps } from '../../../../agent/build/clean-ups.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

describe('clean-ups after builds', () => {
  it('do not fail their caller when they fail, but are reported and repeated each minute until they succeed', async () => {
    let nowMs = 0;
    let isBroken = true;
    let tries = 0;
    const cleanUps = new CleanUps({ ...systemClock, monotonicMs: () => nowMs }, silentLogger);
    const work = async (): Promise<void> => {
      tries += 1;
      if (isBroken) throw new Error('busy');
    };
    const check = (): void => cleanUps.check();
    await cleanUps.start('/tasks/one', work);
    await cleanUps.start('/tasks/two', async () => undefined);
    const told = {
      code: 'SLIP_BUILD_LEFTOVERS',
      message: 'The agent cannot remove the files that builds left on this node: /tasks/one.',
    };
    assert.throws(check, told);
    nowMs = 59_000;
    assert.throws(check, told);
    assert.equal(tries, 1);
    nowMs = 60_000;
    isBroken = false;
    assert.throws(check, told);
    await cleanUps.settled();
    assert.equal(tries, 2);
    check();
  });
});
