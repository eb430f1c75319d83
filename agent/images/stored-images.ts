import type { Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/kit/errors.ts';
import type { StoredImage } from './garbage-plan.ts';
import { digestOfName, type ImageLayout } from './layout.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Every image and per-app copy on the disk; the mtime of the file is its last use. */
export async function listStored(layout: ImageLayout): Promise<readonly StoredImage[]> {
  const images = await listDir(layout.imagesDir, false);
  return [...images, ...(await listDir(layout.ownedDir, true))];
}

async function listDir(dir: string, derived: boolean): Promise<readonly StoredImage[]> {
  const stored: StoredImage[] = [];
  for (const entry of await readdirIfExists(dir)) {
    const digest = digestOfName(entry.name);
    if (digest === undefined || !entry.isFile()) continue;
    const path = join(dir, entry.name);
    const facts = await statIfExists(path);
    if (facts !== undefined) stored.push({ path, digest, derived, sizeBytes: facts.size, lastUsedMs: facts.mtimeMs });
  }
  return stored;
}

/** Removes unfinished files of an earlier process. Downloads are resumed, so their files are kept for a day. */
export async function sweepLeftovers(layout: ImageLayout, nowMs: number): Promise<void> {
  for (const name of await readdir(layout.ownedDir)) {
    if (name.endsWith('.tmp')) await rm(join(layout.ownedDir, name), { force: true });
  }
  for (const name of await readdir(layout.partialDir)) {
    const path = join(layout.partialDir, name);
    const facts = await statIfExists(path);
    if (facts !== undefined && nowMs - facts.mtimeMs > DAY_MS) await rm(path, { force: true });
  }
}

/** Nothing, where nothing was ever stored. */
export async function readdirIfExists(dir: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

export async function statIfExists(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
