import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { idBlockOffset, idValueOffset, parseSuperblock } from '../../../../agent/images/squashfs-id-table.ts';

function superblock(changes: { magic?: number; idCount?: number; major?: number; idTableStart?: bigint } = {}): Buffer {
  const bytes = Buffer.alloc(96);
  bytes.writeUInt32LE(changes.magic ?? 0x73717368, 0);
  bytes.writeUInt16LE(changes.idCount ?? 1, 26);
  bytes.writeUInt16LE(changes.major ?? 4, 28);
  bytes.writeBigUInt64LE(4096n, 40);
  bytes.writeBigUInt64LE(changes.idTableStart ?? 1006n, 48);
  return bytes;
}

function pointer(offset: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(offset);
  return bytes;
}

describe('the owner of an image', () => {
  it('is found through superblock, pointer and block', () => {
    const parsed = parseSuperblock(superblock());
    assert.equal(idBlockOffset(parsed, pointer(1000n)), 1000);
    assert.equal(idValueOffset(Buffer.from([0x04, 0x80])), 2);
  });

  it('is refused for a file that is not an image, for another version, and for several owners', () => {
    const wrong = [
      Buffer.alloc(96),
      superblock().subarray(0, 50),
      superblock({ major: 3 }),
      superblock({ idCount: 2 }),
    ];
    const far = [superblock({ idTableStart: 4090n }), superblock({ idTableStart: 2n ** 63n })];
    for (const bytes of [...wrong, ...far]) assert.throws(() => parseSuperblock(bytes), { code: 'SLIP_IMAGE_FORMAT' });
  });

  it('is not written outside the image or into compressed bytes', () => {
    const parsed = parseSuperblock(superblock());
    for (const offset of [0n, 95n, 1001n, 5000n, 2n ** 60n]) {
      assert.throws(() => idBlockOffset(parsed, pointer(offset)), { code: 'SLIP_IMAGE_FORMAT' });
    }
    assert.throws(() => idValueOffset(Buffer.from([0x0c, 0x00])), { code: 'SLIP_IMAGE_FORMAT' });
  });
});
