import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lastLines, LineBuffer, MAX_BUFFERED_CHARS } from '../../../../controller/dispatch/line-buffer.ts';
import { MessageBudget } from '../../../../controller/dispatch/message-budget.ts';
import { heartbeatIntervalMs, silenceLimitMs } from '../../../../controller/dispatch/heartbeat-interval.ts';
import { canonicalSerial, serialOf } from '../../../../controller/dispatch/certificate-serial.ts';
import type { LogLine } from '../../../../shared/domain/log-line.ts';

function line(atMs: number): LogLine {
  return { atMs, source: 'app', process: 'web.1', message: String(atMs) };
}

describe('heartbeat pace', () => {
  it('is 5 s for a small fleet, grows with it, and stops at 10 s', () => {
    assert.deepEqual(
      [1, 250, 400, 1_500, 10_000].map((nodes) => heartbeatIntervalMs(nodes)),
      [5_000, 5_000, 8_000, 10_000, 10_000],
    );
  });

  it('a node is never called silent before two and a half heartbeats', () => {
    assert.equal(silenceLimitMs(30_000, 5_000), 30_000);
    assert.equal(silenceLimitMs(30_000, 30_000), 75_000);
  });

  it('a silent node is unreachable within 30 s in a fleet of any size, the interval of the checks included', () => {
    for (const nodes of [1, 100, 1_000, 3_000, 20_000])
      assert.ok(silenceLimitMs(25_000, heartbeatIntervalMs(nodes)) * 1.1 <= 30_000);
  });
});

describe('message budget', () => {
  it('lets a burst through, then asks to pause just long enough', () => {
    const budget = new MessageBudget({ perSecond: 10, burst: 5 }, 0);
    assert.deepEqual(
      [1, 1, 1, 1, 1].map((cost) => budget.spend(cost, 0)),
      [0, 0, 0, 0, 0],
    );
    assert.equal(budget.spend(1, 0), 100);
    assert.equal(budget.spend(1, 100), 100);
    assert.equal(budget.spend(1, 10_000), 0);
  });
});

describe('line buffer', () => {
  it('drops the oldest lines of a slow reader and counts them', async () => {
    const buffer = new LineBuffer(3);
    buffer.push([1, 2, 3, 4, 5].map(line));
    assert.deepEqual(await buffer.take(), { lines: [3, 4, 5].map(line), dropped: 2 });
    buffer.end();
    assert.equal(await buffer.take(), undefined);
  });

  it('has a maximum size, also when the lines are long', () => {
    const buffer = new LineBuffer(20_000);
    const long = { ...line(1), message: 'x'.repeat(64 * 1024) };
    for (let turn = 0; turn < 100; turn += 1) buffer.push(Array.from({ length: 10 }, () => long));
    const { lines, dropped } = buffer.takeNow();
    assert.equal(lines.length, MAX_BUFFERED_CHARS / long.message.length);
    assert.equal(lines.length + dropped, 1_000);
    buffer.push([long]);
    assert.deepEqual(buffer.takeNow(), { lines: [long], dropped: 0 });
  });

  it('wakes its reader when a line arrives', async () => {
    const buffer = new LineBuffer(3);
    const taken = buffer.take();
    buffer.push([line(1)]);
    assert.deepEqual((await taken)?.lines, [line(1)]);
  });

  it('the last lines of several nodes are the newest, in order', () => {
    assert.deepEqual(lastLines([5, 1, 4, 2].map(line), 2), [4, 5].map(line));
    assert.deepEqual(lastLines([line(1)], 0), []);
  });
});

describe('serial of a certificate', () => {
  it('has one form', () => {
    assert.deepEqual(['0A1B', 'a1b', '000a1b', '00'].map(canonicalSerial), ['0a1b', '0a1b', '0a1b', '00']);
    assert.equal(serialOf({ serialNumber: 'x' }), undefined);
    assert.equal(serialOf(undefined), undefined);
  });
});
