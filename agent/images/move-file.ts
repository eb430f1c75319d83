import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitFile } from '../../shared/kit/atomic-file.ts';
import { isErrno } from '../../shared/kit/errors.ts';

/** Renames the file, or copies it from another mount: the state folder is a separate mount. */
export async function moveFile(path: string, target: string, tempDir: string): Promise<void> {
  try {
    await commitFile(path, target);
  } catch (error) {
    if (!isErrno(error, 'EXDEV')) throw error;
    const temp = join(tempDir, `adopting-${randomBytes(8).toString('hex')}`);
    await copyFile(path, temp);
    await commitFile(temp, target);
    await rm(path, { force: true });
  }
}
