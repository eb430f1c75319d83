import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTimeZone, newestTick, nextTick, scheduleProblem } from '../../../../shared/domain/cron-schedule.ts';

/** The next ticks after a moment. */
function ticks(schedule: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (let atMs: number | undefined = Date.parse(after); found.length < count;) {
    atMs = nextTick({ schedule, timeZone }, atMs);
    if (atMs === undefined) break;
    found.push(new Date(atMs).toISOString().slice(0, 16));
  }
  return found;
}

describe('a schedule', () => {
  it('matches minutes in its time zone', () => {
    assert.deepEqual(ticks('30 2 * * *', 'Etc/UTC', '2026-01-01T00:00Z', 2), ['2026-01-01T02:30', '2026-01-02T02:30']);
    assert.deepEqual(ticks('30 2 * * *', 'Asia/Tokyo', '2026-01-01T00:00Z', 1), ['2026-01-01T17:30']);
    assert.deepEqual(ticks('@daily', 'Etc/UTC', '2026-01-01T00:00Z', 1), ['2026-01-02T00:00']);
    assert.deepEqual(ticks('0 0 29 2 *', 'Etc/UTC', '2026-01-01T00:00Z', 1), ['2028-02-29T00:00']);
    assert.deepEqual(
      ticks('0 0 2 * 1', 'Etc/UTC', '2026-01-01T00:00Z', 2),
      ['2026-01-02T00:00', '2026-01-05T00:00'],
      'a day of the month or a day of the week, as in every cron',
    );
  });

  it('knows its newest tick', () => {
    const schedule = { schedule: '*/5 * * * *', timeZone: 'Etc/UTC' };
    const newest = (at: string): string => new Date(newestTick(schedule, Date.parse(at)) ?? 0).toISOString();
    assert.equal(newest('2026-01-01T00:05:00Z'), '2026-01-01T00:05:00.000Z');
    assert.equal(newest('2026-01-01T00:09:59Z'), '2026-01-01T00:05:00.000Z');
  });

  it('at a fixed time runs right after a skipped hour, and once in an hour that comes twice', () => {
    const berlin = 'Europe/Berlin';
    assert.deepEqual(ticks('30 2 * * *', berlin, '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:30']);
    assert.deepEqual(ticks('30 2 * * *', berlin, '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30']);
    assert.deepEqual(ticks('30 2,14 * * *', berlin, '2026-10-24T13:00Z', 2), ['2026-10-25T00:30', '2026-10-25T13:30']);
  });

  it('with a wildcard or a step follows the clock when it changes', () => {
    const berlin = 'Europe/Berlin';
    assert.deepEqual(ticks('30 * * * *', berlin, '2026-03-28T23:50Z', 3), [
      ...['2026-03-29T00:30', '2026-03-29T01:30', '2026-03-29T02:30'],
    ]);
    assert.deepEqual(ticks('*/30 2 * * *', berlin, '2026-10-24T12:00Z', 5), [
      ...['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-26T01:00'],
    ]);
    assert.deepEqual(ticks('*/30 2 * * *', berlin, '2026-03-28T12:00Z', 1), ['2026-03-30T00:00']);
  });

  const bad: readonly [string, RegExp][] = [
    ['0 0 30 2 *', /^never matches/],
    ['0 0 31 4,6 *', /^never matches/],
    ['* * * * * *', /^has 6 fields\. .*without seconds$/],
    ['* * * *', /^must have 5 fields/],
    ['', /^must have 5 fields/],
    ['2026-01-01T00:00:00', /^must have 5 fields/],
    ['@reboot', /^must be one of @yearly/],
    ['60 * * * *', /^cannot be read: Invalid value for minute: 60$/],
    ['* * * * FOO', /^cannot be read/],
    [`${'1,'.repeat(200)}1 * * * *`, /^has more than 200 characters$/],
  ];
  for (const [schedule, problem] of bad)
    it(`is refused: ${schedule.slice(0, 30)}`, () => {
      assert.match(scheduleProblem(schedule) ?? '', problem);
    });

  it('needs a time zone that exists', () => {
    assert.deepEqual(['Europe/Berlin', 'UTC', 'Mars/Base', '', '+01:00', 'x'.repeat(99)].map(isTimeZone), [
      ...[true, true, false, false, false, false],
    ]);
  });
});
