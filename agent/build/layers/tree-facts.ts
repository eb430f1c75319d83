import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../../shared/kit/errors.ts';
import type { FolderFacts } from './cut.ts';

/** Examines one declared folder of a finished tree with a few system calls, whatever its size. */
export async function readFolderFacts(appDir: string, upperDir: string, path: string): Promise<FolderFacts> {
  if (!(await isRealFolder(appDir, path)) || !(await hasEntries(join(appDir, path))))
    return { present: false, written: false };
  return { present: true, written: await hasUpperEntries(join(upperDir, path)) };
}

/** No component may be a symbolic link, because the untrusted tree could lead anywhere on this machine. */
async function isRealFolder(root: string, path: string): Promise<boolean> {
  let at = root;
  for (const part of path.split('/')) {
    at = join(at, part);
    try {
      if (!(await lstat(at)).isDirectory()) return false;
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENAMETOOLONG')) return false;
      throw error;
    }
  }
  return true;
}

/**
 * An empty folder in the upper layer is only a copy of metadata. If the build had emptied or replaced the folder (opaque), the merged folder would
 * be empty too, and an empty folder is no layer. So any entry (file, folder or whiteout) means a change.
 */
async function hasUpperEntries(upper: string): Promise<boolean> {
  try {
    return await hasEntries(upper);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    if (isErrno(error, 'ENOTDIR')) return true;
    throw error;
  }
}

async function hasEntries(dir: string): Promise<boolean> {
  const entries = await opendir(dir, { bufferSize: 1 });
  try {
    return (await entries.read()) !== null;
  } finally {
    await entries.close();
  }
}
