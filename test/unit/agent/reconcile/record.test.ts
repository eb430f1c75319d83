import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterCrash, afterGate, NEW_RECORD, STABLE_AFTER_MS, type Crash } from '../../../../agent/reconcile/record.ts';

const crash = (over: Partial<Crash> = {}): Crash => ({
  reason: { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 7.' },
  exit: { code: 7, oomKilled: false, atMs: 1000 },
  lastLines: ['bye'],
  ranMs: 50,
  ...over,
});
const now = { nowMs: 1000, random: 0.5 };

describe('the record of an instance', () => {
  it('fails for good when the first process ends before its gate', () => {
    const record = afterCrash(NEW_RECORD, crash(), now);
    assert.equal(record.failure?.code, 'SLIP_APP_EXITED');
    assert.deepEqual(record.lastLines, ['bye']);
  });

  it('restarts at once after the first crash, then waits longer each time, up to five minutes', () => {
    let record = afterGate(NEW_RECORD, 5);
    const delays: number[] = [];
    for (let i = 0; i < 14; i += 1) {
      record = afterCrash(record, crash(), now);
      delays.push((record.nextStartAtMs ?? 0) - now.nowMs);
    }
    assert.deepEqual(delays.slice(0, 4), [0, 750, 1500, 3000]);
    assert.equal(delays.at(-1), 225_000);
    assert.equal(record.restarts, 14);
  });

  it('knows since when the process crashes again and again', () => {
    const at = (atMs: number, ranMs = 50): Crash => crash({ exit: { code: 7, oomKilled: false, atMs }, ranMs });
    const twice = afterCrash(afterCrash(afterGate(NEW_RECORD, 5), at(1000), now), at(9000), now);
    assert.deepEqual([twice.crashesInARow, twice.crashingSinceMs], [2, 1000]);
    const anew = afterCrash(twice, at(2_000_000, STABLE_AFTER_MS), now);
    assert.deepEqual([anew.crashesInARow, anew.crashingSinceMs], [1, 2_000_000]);
  });

  it('resets the delay after a long run without a crash', () => {
    let record = afterGate(NEW_RECORD, 5);
    for (let i = 0; i < 5; i += 1) record = afterCrash(record, crash(), now);
    record = afterCrash(record, crash({ ranMs: STABLE_AFTER_MS }), now);
    assert.equal(record.nextStartAtMs, now.nowMs);
  });

  it('needs a new gate for the next process', () => {
    assert.equal(afterCrash(afterGate(NEW_RECORD, 5), crash(), now).liveStartedAtMs, undefined);
  });
});
