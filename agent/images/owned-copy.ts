import { constants } from 'node:fs';
import { copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { commitFile } from '../../shared/kit/atomic-file.ts';
import { randomBytes } from 'node:crypto';
import { SUPERBLOCK_BYTES, idBlockOffset, idValueOffset, parseSuperblock } from './squashfs-id-table.ts';

/**
 * Makes a copy of an image whose files all belong to `ownerUid`. It uses a reflink if possible. The copy is atomic.
 * @throws SLIP_IMAGE_FORMAT, errors of the file system
 */
export async function writeOwnedCopy(image: string, target: string, ownerUid: number): Promise<void> {
  const temp = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await copyFile(image, temp, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await rewriteOwner(temp, ownerUid);
    await commitFile(temp, target);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

async function rewriteOwner(path: string, ownerUid: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const superblock = parseSuperblock(await readAt(file, 0, SUPERBLOCK_BYTES));
    const block = idBlockOffset(superblock, await readAt(file, superblock.idTableStart, 8));
    const value = Buffer.alloc(4);
    value.writeUInt32LE(ownerUid);
    await file.write(value, 0, value.length, block + idValueOffset(await readAt(file, block, 2)));
  } finally {
    await file.close();
  }
}

/** Exactly `length` bytes, filled with zeros after the end of the file. The parsers refuse invalid content. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, position);
  return bytes;
}
