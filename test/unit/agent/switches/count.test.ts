import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAccessLine, type AccessRecord } from '../../../../agent/proxy/router-line.ts';
import { lostBetween, SwitchCount, type Reading } from '../../../../agent/switches/count.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';

const KEY = { appId: 'a1' as AppId, release: 2 };

/** A request that ended with this termination state and status. */
function record(state: string, { status = 200, instance = 'old' } = {}): AccessRecord {
  const line = `slip1 shop/a1 web.1/${instance} ${state} ${String(status)} 5 0 0 0 1 1 http id 192.0.2.1 GET h - "/"`;
  return parseAccessLine(line) ?? assert.fail(line);
}

const reading = (own: Partial<Reading> = {}): Reading => ({
  ...{ read: 1, open: new Map(), lostLines: 0, nowMs: 100_000 },
  ...own,
});

describe('the count of a switch', () => {
  it('has every request, and the error codes of the router, but not the errors of the app', () => {
    const count = new SwitchCount(KEY, undefined);
    for (const state of ['----', 'SH--', 'SH--', 'CD--', 'sH--']) count.request(record(state), 1);
    count.request(record('----', { status: 500 }), 1);
    count.request(record('LR--', { status: 503 }), 1);
    const { requests, codes, gap } = count.figures(reading());
    assert.deepEqual([requests, codes, gap], [7, { H13: 2, H27: 1, H12: 1, H14: 1 }, undefined]);
  });

  it('measures a drain from the moment an instance left to the end of its last request', () => {
    const count = new SwitchCount(KEY, undefined);
    count.left('old', 1_000);
    count.left('older', 1_000);
    count.request(record('----'), 4_200);
    count.request(record('----', { instance: 'new' }), 9_000);
    count.left('old', 4_000); // an agent that was restarted says it again
    assert.equal(count.figures(reading()).longestDrainMs, 3_200);
    count.entered('old'); // it serves again
    assert.deepEqual([count.figures(reading()).longestDrainMs, count.draining()], [0, ['older']]);
  });

  it('counts a drain with open requests up to now', () => {
    const count = new SwitchCount(KEY, undefined);
    count.left('old', 1_000);
    const { longestDrainMs, openRequests } = count.figures(reading({ open: new Map([['old', 2]]), nowMs: 6_000 }));
    assert.deepEqual([longestDrainMs, openRequests], [5_000, 2]);
  });

  it('keeps the first cause why it is not complete', () => {
    const count = new SwitchCount(KEY, undefined);
    count.missed('rotated');
    count.missed('no-log');
    assert.equal(count.figures(reading()).gap, 'rotated');
    assert.equal(new SwitchCount(KEY, 'late').figures(reading()).gap, 'late');
  });

  it('has constant memory, and says when an instance does not fit', () => {
    const count = new SwitchCount(KEY, undefined);
    for (let index = 0; index < 2_000; index += 1) count.left(`i${String(index)}`, 1);
    assert.equal(count.draining().length, 1_000);
    assert.equal(count.figures(reading()).gap, 'late');
  });

  it('counts the lost lines of new processes of the proxy from 0', () => {
    assert.equal(lostBetween({ '1': 5 }, new Map(Object.entries({ '1': 7, '2': 4 }))), 6);
    assert.equal(lostBetween({ '1': 5 }, new Map()), 0);
  });
});
