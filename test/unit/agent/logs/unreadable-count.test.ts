import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { UnreadableCount } from '../../../../agent/logs/unreadable-count.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const BASE_MS = Date.parse('2026-11-20T10:00:00Z');

/** A log folder whose bad lines are `bad CAUSE`. */
async function openLab(): Promise<AsyncDisposable & { dir: string; current: string; count: UnreadableCount }> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-unreadable-'));
  const causeOf = (text: string): string | undefined => /^bad (.*)$/.exec(text)?.[1];
  const count = new UnreadableCount({ dir, mark: 'bad ', causeOf, clock: systemClock, log: silentLogger });
  const close = async (): Promise<void> => {
    await count.close();
    await rm(dir, { recursive: true });
  };
  return { dir, current: join(dir, 'current'), count, [Symbol.asyncDispose]: close };
}

const line = (second: number, text: string): string =>
  `${new Date(BASE_MS + second * 1000).toISOString().slice(0, -1)} ${text}\n`;

describe('the count of unreadable requests', () => {
  test('begins with the agent, and has the time and cause of the last one', async () => {
    await using lab = await openLab();
    await writeFile(lab.current, line(0, 'bad before'));
    await lab.count.open();
    await lab.count.update();
    assert.deepEqual(lab.count.current(), { count: 0, last: undefined });
    await appendFile(
      lab.current,
      line(1, 'bad one') + line(2, 'good') + line(3, 'bad two') + line(4, 'not bad at all'),
    );
    await lab.count.update();
    assert.deepEqual(lab.count.current(), { count: 2, last: { atMs: BASE_MS + 3000, cause: 'two' } });
  });

  test('continues after a rotation, and counts each complete line once', async () => {
    await using lab = await openLab();
    await writeFile(lab.current, '');
    await lab.count.open();
    await appendFile(lab.current, line(1, 'bad one') + line(2, 'bad two').slice(0, 30));
    await Promise.all([lab.count.update(), lab.count.update()]);
    assert.equal(lab.count.current()?.count, 1);
    await appendFile(lab.current, line(2, 'bad two').slice(30));
    await rename(lab.current, join(lab.dir, '@400000006b0cf6403a9e7df9.s'));
    await writeFile(lab.current, line(3, 'bad three'));
    await lab.count.update();
    assert.deepEqual(lab.count.current(), { count: 3, last: { atMs: BASE_MS + 3000, cause: 'three' } });
  });

  test('is absent while the node keeps no log of its proxy, and begins when there is one', async () => {
    await using lab = await openLab();
    await lab.count.open();
    await lab.count.update();
    assert.equal(lab.count.current(), undefined);
    await writeFile(lab.current, line(1, 'bad one'));
    await lab.count.update();
    assert.equal(lab.count.current()?.count, 1);
  });
});
