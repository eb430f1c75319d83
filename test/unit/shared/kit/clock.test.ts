import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { letPass } from '../../../support/eventually.ts';

it('sleeps longer than a timer of Node can wait, until its signal', async () => {
  for (const ms of [2 ** 31, Number.MAX_SAFE_INTEGER, Infinity]) {
    const off = new AbortController();
    let isAwake = false;
    const slept = systemClock.sleep(ms, off.signal).then(() => (isAwake = true));
    await letPass(20);
    assert.equal(isAwake, false, String(ms));
    off.abort();
    await assert.rejects(slept, { name: 'AbortError' });
  }
});
