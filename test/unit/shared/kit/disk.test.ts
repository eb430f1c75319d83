import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDiskFull, requireDiskSpace, type DiskSpace } from '../../../../shared/kit/disk.ts';

const GIB = 1024 ** 3;
const roomy: DiskSpace = { freeBytes: 50 * GIB, totalBytes: 100 * GIB, freeInodes: 1_000_000, totalInodes: 6_000_000 };
const reads = (...spaces: readonly Partial<DiskSpace>[]) => {
  let at = 0;
  return () => Promise.resolve({ ...roomy, ...(spaces[Math.min(at++, spaces.length - 1)] ?? {}) });
};

describe('a disk', () => {
  it('is refused when it is nearly full or when a write fails for lack of space', async () => {
    await requireDiskSpace('/x', undefined, { read: reads({}) });
    await assert.rejects(requireDiskSpace('/x', undefined, { read: reads({ freeBytes: GIB }) }), {
      code: 'SLIP_DISK_FULL',
    });
    assert.equal(await isDiskFull('/x', reads({ freeBytes: GIB })), false);
    assert.equal(await isDiskFull('/x', reads({ freeBytes: 4096 })), true);
    assert.equal(await isDiskFull('/x', reads({ freeInodes: 3 })), true);
  });

  it('counts as not full when its free space is unknown', async () => {
    assert.equal(await isDiskFull('/x', () => Promise.reject(new Error('no such folder'))), false);
  });
});
