import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensureDir } from '../../../shared/kit/atomic-file.ts';
import { isErrno } from '../../../shared/kit/errors.ts';
import { readHead, readRef } from './repository.ts';

/** Git shows no ref below it to clients. */
const HIDDEN = 'refs/slipway';
/** To git it is another repository, whose commits this one has too. It has no objects and no refs of its own. */
const FOLDER = 'slipway-haves';

/**
 * The object folder that makes git tell a pusher which commits the hidden refs have (`.have`), so that the push does not send their objects again.
 * Undefined: the deploy branch exists, and it tells enough; or there are no hidden refs.
 */
export async function hiddenCommitsDir(repositoryDir: string): Promise<string | undefined> {
  if ((await readRef(repositoryDir, await readHead(repositoryDir))) !== undefined) return undefined;
  if (!(await hasFiles(join(repositoryDir, HIDDEN)))) return undefined;
  const folder = resolve(repositoryDir, FOLDER);
  for (const name of ['objects', 'refs']) await ensureDir(join(folder, name));
  return join(folder, 'objects');
}

async function hasFiles(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length > 0;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
