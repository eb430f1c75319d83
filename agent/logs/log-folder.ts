import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/kit/errors.ts';
import { PLAIN_OFFSET_SECONDS, S6_OFFSET_SECONDS } from './timestamp.ts';

/** A place in a rotating folder, after a whole line. It holds the file open, also after the file is renamed. */
export interface Place {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly offset: number;
}

export const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** Finished files of a folder, oldest first. Their names are timestamps. Empty when the folder does not exist. */
export async function rotatedFiles(dir: string): Promise<string[]> {
  try {
    const names = await readdir(dir);
    return names.filter((name) => /^@[0-9a-f]+\.[su]$/.test(name)).sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Opens a file of the folder; `undefined` when it does not exist. */
export async function openFile(dir: string, name: string): Promise<Place | undefined> {
  try {
    const handle = await open(join(dir, name), 'r');
    const { ino } = await handle.stat();
    return { handle, inode: ino, offset: 0 };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export async function inodeOf(dir: string, name: string): Promise<number | undefined> {
  try {
    return (await stat(join(dir, name))).ino;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The place after the last whole line. */
export async function openEnd(dir: string): Promise<Place | undefined> {
  // During a rotation, the current file does not exist for a moment.
  const place =
    (await openFile(dir, 'current')) ?? (await openFile(dir, (await rotatedFiles(dir)).at(-1) ?? 'current'));
  if (place === undefined) return undefined;
  try {
    return { ...place, offset: await endOfLastLine(place.handle) };
  } catch (error) {
    await place.handle.close(); // the caller tries again
    throw error;
  }
}

async function endOfLastLine(handle: FileHandle): Promise<number> {
  let end = (await handle.stat()).size;
  while (end > 0) {
    const chunk = await readAt(handle, Math.max(0, end - CHUNK_BYTES), Math.min(end, CHUNK_BYTES));
    const at = chunk.lastIndexOf(NEWLINE);
    if (at >= 0) return end - chunk.length + at + 1;
    end -= Math.max(chunk.length, 1);
  }
  return 0;
}

/** At most `length` bytes; fewer at the end of the file. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** Only the timestamps of s6-log include leap seconds. s6-log has a `state` file in its folder. */
export async function taiOffset(dir: string): Promise<bigint> {
  return (await inodeOf(dir, 'state')) === undefined ? PLAIN_OFFSET_SECONDS : S6_OFFSET_SECONDS;
}
