import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namingFullDisk, requireBuilderDisk } from '../../../../agent/build/builder-disk.ts';
import type { DiskSpace } from '../../../../shared/kit/disk.ts';

const GIB = 1024 ** 3;
const roomy: DiskSpace = { freeBytes: 50 * GIB, totalBytes: 100 * GIB, freeInodes: 1_000_000, totalInodes: 6_000_000 };
const reads = (...spaces: readonly Partial<DiskSpace>[]) => {
  let at = 0;
  return () => Promise.resolve({ ...roomy, ...(spaces[Math.min(at++, spaces.length - 1)] ?? {}) });
};

describe('a build on a full disk', () => {
  const folder = '/tmp';
  it('does not begin', async () => {
    await assert.rejects(requireBuilderDisk(folder, reads({ freeBytes: GIB / 8 })), {
      code: 'SLIP_DISK_FULL',
      message: /disk of the builder is full/,
    });
  });

  it('reports a full disk when the disk filled up during the build', async () => {
    const failing = () => Promise.reject(new Error('exit 1'));
    await assert.rejects(namingFullDisk(folder, failing, reads({ freeBytes: 0 })), { code: 'SLIP_DISK_FULL' });
    await assert.rejects(namingFullDisk(folder, failing, reads({})), { message: 'exit 1' });
  });
});
