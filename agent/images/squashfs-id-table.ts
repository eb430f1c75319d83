import { SlipwayError } from '../../shared/kit/errors.ts';

/**
 * Where a squashfs 4.0 image keeps the one uid that owns all its files. Our images have exactly one id (`-all-root`)
 * in an uncompressed id table (`-noId`), so changing four bytes changes the owner of everything.
 */
export const SUPERBLOCK_BYTES = 96;

const MAGIC = 0x73717368;
const UNCOMPRESSED_FOUR_BYTES = 0x8004;
const OFFSET = { magic: 0, idCount: 26, major: 28, minor: 30, bytesUsed: 40, idTableStart: 48 } as const;

export interface Superblock {
  readonly bytesUsed: number;
  /** Offset of the 64-bit pointer to the table's only block. */
  readonly idTableStart: number;
}

/** @throws SLIP_IMAGE_FORMAT */
export function parseSuperblock(bytes: Buffer): Superblock {
  if (bytes.length < SUPERBLOCK_BYTES || bytes.readUInt32LE(OFFSET.magic) !== MAGIC)
    throw badFormat('it is not a squashfs image');
  const version = `${bytes.readUInt16LE(OFFSET.major)}.${bytes.readUInt16LE(OFFSET.minor)}`;
  if (version !== '4.0') throw badFormat(`it has squashfs version ${version}, not 4.0`);
  const idCount = bytes.readUInt16LE(OFFSET.idCount);
  if (idCount !== 1) throw badFormat(`it has ${idCount} owners, not one`);
  const bytesUsed = toNumber(bytes.readBigUInt64LE(OFFSET.bytesUsed));
  const idTableStart = toNumber(bytes.readBigUInt64LE(OFFSET.idTableStart));
  if (idTableStart + 8 > bytesUsed) throw badFormat('its id table lies outside the image');
  return { bytesUsed, idTableStart };
}

/** Offset of the metadata block that `pointer`, the 8 bytes at `idTableStart`, leads to. @throws SLIP_IMAGE_FORMAT */
export function idBlockOffset(superblock: Superblock, pointer: Buffer): number {
  const offset = toNumber(pointer.readBigUInt64LE(0));
  if (offset < SUPERBLOCK_BYTES || offset + 6 > superblock.idTableStart)
    throw badFormat('its id table points outside the image');
  return offset;
}

/** Checks the block's 2-byte header. @returns offset of the id's value within the block. @throws SLIP_IMAGE_FORMAT */
export function idValueOffset(blockHeader: Buffer): number {
  if (blockHeader.readUInt16LE(0) !== UNCOMPRESSED_FOUR_BYTES) throw badFormat('its id table is compressed');
  return 2;
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badFormat('it has an offset out of range');
  return Number(value);
}

function badFormat(why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_FORMAT',
    kind: 'bug',
    message: `A layer cannot be given an owner: ${why}.`,
    hint: 'Push the app again, so that its layers are built again.',
  });
}
