import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const MIN_BYTES = 1024 * 1024;
const MAX_DEPTH = 4;
const MAX_ENTRIES = 4000;
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads the largest program of a shared layer once, outside of all sandboxes, so that its pages are charged to the host. Otherwise an app that
 * runs out of memory would evict and read its own interpreter for a minute before it is killed.
 * @returns the path read, undefined when there is no program of 1 MiB or more
 */
export async function prefetchMainProgram(dir: string): Promise<string | undefined> {
  const program = await largestProgram(dir);
  if (program === undefined) return undefined;
  // Builds make the layers, so a symbolic link must not lead out of the layer.
  const file = await open(program, constants.O_RDONLY | constants.O_NOFOLLOW);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    while ((await file.read(buffer, 0, CHUNK_BYTES)).bytesRead > 0);
  } finally {
    await file.close();
  }
  return program;
}

interface Program {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Breadth first, so that `bin/` comes before deep library folders. */
async function largestProgram(root: string): Promise<string | undefined> {
  let best: Program | undefined;
  let budget = MAX_ENTRIES;
  let folders = [root];
  for (let depth = 0; depth < MAX_DEPTH && budget > 0; depth += 1) {
    const found = await Promise.all(folders.slice(0, budget).map(scanFolder));
    budget -= found.reduce((sum, folder) => sum + folder.entries, 0);
    for (const { largest } of found)
      if (largest !== undefined && largest.sizeBytes > (best?.sizeBytes ?? 0)) best = largest;
    folders = found.flatMap((folder) => folder.subfolders);
  }
  return best?.path;
}

async function scanFolder(
  folder: string,
): Promise<{ entries: number; subfolders: readonly string[]; largest: Program | undefined }> {
  const entries = await readdir(folder, { withFileTypes: true });
  const subfolders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  let largest: Program | undefined;
  for (const entry of entries.slice(0, MAX_ENTRIES)) {
    if (!entry.isFile()) continue;
    const path = join(folder, entry.name);
    const { mode, size } = await lstat(path);
    if ((mode & 0o111) !== 0 && size >= Math.max(MIN_BYTES, largest?.sizeBytes ?? 0))
      largest = { path, sizeBytes: size };
  }
  return { entries: entries.length, subfolders, largest };
}
