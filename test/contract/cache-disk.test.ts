import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { CacheDisk } from '../../agent/build/cache-disk.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';
import { run, start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';

const SIZE = { bytes: 16 * 1024 * 1024, inodes: 500 };

describe('the disk of a build cache', () => {
  const base = mkdtempSync(join(tmpdir(), 'slipway-cache-disk-'));
  after(() => rmSync(base, { recursive: true, force: true }));

  async function cacheDisk(t: TestContext, name: string, clock: Clock = systemClock): Promise<CacheDisk> {
    const disk = new CacheDisk(join(base, name), SIZE, { run, clock });
    t.after(() => disk.close());
    await disk.open();
    await mkdir(disk.folder, { recursive: true });
    return disk;
  }

  /** Starts a process with its own mount namespace, so it holds a copy of every mount. Each sandbox starts in this way. */
  async function holdMounts(t: TestContext): Promise<() => Promise<void>> {
    const holder = start({ file: 'unshare', args: ['--mount', 'sleep', '1000'] }, ['ignore', 'ignore', 'ignore']);
    const ended = once(holder, 'exit');
    const release = async (): Promise<void> => {
      holder.kill('SIGKILL');
      await ended;
    };
    t.after(release);
    const own = readlinkSync('/proc/self/ns/mnt');
    await eventually('the namespace is there', () => readlinkSync(`/proc/${String(holder.pid)}/ns/mnt`) !== own);
    return release;
  }

  it('keeps its content when a process that starts still holds the mount', async (t) => {
    let release = (): Promise<void> => Promise.resolve();
    let waits = 0;
    const sleep = async (ms: number): Promise<void> => {
      waits += 1;
      await release();
      await systemClock.sleep(ms);
    };
    const disk = await cacheDisk(t, 'held', { ...systemClock, sleep });
    release = await holdMounts(t);
    writeFileSync(join(disk.folder, 'file'), 'kept');
    await disk.close();
    await disk.open();
    assert.ok(existsSync(join(disk.folder, 'file')));
    assert.ok(waits > 0, 'the mount was held');
  });

  it('is created again when a process does not release the mount', async (t) => {
    let nowMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => nowMs,
      sleep: () => Promise.resolve(void (nowMs += 5_000)),
    };
    const disk = await cacheDisk(t, 'stuck', clock);
    await holdMounts(t);
    writeFileSync(join(disk.folder, 'file'), 'lost');
    await disk.close();
    await disk.open();
    assert.ok(!existsSync(disk.folder));
  });

  it('stays mounted when a close finds it busy, and is removed by a discard', async (t) => {
    const disk = await cacheDisk(t, 'busy');
    writeFileSync(join(disk.folder, 'file'), 'kept');
    const reader = await open(join(disk.folder, 'file'), 'r');
    try {
      await assert.rejects(disk.close());
      await disk.open();
      assert.ok(existsSync(join(disk.folder, 'file')), 'the next build uses the same mount');
      await disk.discard();
      await disk.open();
      assert.ok(!existsSync(disk.folder), 'the next build gets an empty disk');
    } finally {
      await reader.close();
    }
  });

  it('has no size while it is not mounted', async (t) => {
    const disk = await cacheDisk(t, 'closed');
    assert.ok(((await disk.used())?.bytes ?? Infinity) < SIZE.bytes);
    await disk.close();
    assert.equal(await disk.used(), undefined);
  });
});
