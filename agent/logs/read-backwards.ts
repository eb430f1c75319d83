import type { FileHandle } from 'node:fs/promises';
import { CHUNK_BYTES, inodeOf, openFile, readAt, rotatedFiles, type Place } from './log-folder.ts';

const NEWLINE = 0x0a;
/** A longer line is returned in pieces of about this size. */
const PIECE_BYTES = 256 * 1024;

/** Lines of a folder, newest first, from a place back to the oldest file. It holds one chunk and one line in memory. */
export async function* readBackwards(dir: string, from: Place | undefined): AsyncGenerator<Buffer> {
  const older = await filesBefore(dir, from);
  if (from !== undefined) yield* linesBackwards(from.handle, from.offset);
  for (const name of older.reverse()) {
    const place = await openFile(dir, name);
    if (place === undefined) continue; // it was rotated away
    try {
      yield* linesBackwards(place.handle, (await place.handle.stat()).size);
    } finally {
      await place.handle.close();
    }
  }
}

/** The file of the place may have been rotated, so newer files are left out. */
async function filesBefore(dir: string, from: Place | undefined): Promise<string[]> {
  const names = await rotatedFiles(dir);
  if (from === undefined) return names;
  for (const [index, name] of names.entries()) {
    if ((await inodeOf(dir, name)) === from.inode) return names.slice(0, index);
  }
  return names;
}

async function* linesBackwards(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  let end = size;
  let rest = Buffer.alloc(0);
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const data = Buffer.concat([await readAt(handle, start, end - start), rest]);
    let stop = data.length;
    while (stop > 0) {
      const newline = data.lastIndexOf(NEWLINE, stop - 1);
      if (newline < 0) break;
      if (newline + 1 < stop) yield data.subarray(newline + 1, stop);
      stop = newline;
    }
    rest = data.subarray(0, stop);
    if (rest.length > PIECE_BYTES) {
      yield rest;
      rest = Buffer.alloc(0);
    }
    end = start;
  }
  if (rest.length > 0) yield rest;
}
