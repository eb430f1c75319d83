import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../../shared/kit/errors.ts';
import { existing } from './kept-commits.ts';
import { moveRef, removeRef } from './move-ref.ts';
import { NO_COMMIT } from './proc-receive.ts';
import { readHead, readRef } from './repository.ts';

const BRANCH = 'refs/heads/';

/** The code of the current release. */
export interface ReleasedCode {
  /** The ref that was pushed. Absent: the code came from another app. */
  readonly ref: string | undefined;
  readonly commit: string;
}

/** The last commit of a deploy branch that was removed. Its objects stay, and the next push does not send them again (hidden-commits.ts). */
const FORMER = 'refs/slipway/former-branch';

/**
 * Makes the refs follow the current release. The deploy branch (the branch of HEAD) is at its commit when the code was pushed. When it came
 * from an archive or from another app, no commit of the user serves. Then the branch is removed, so that a push of any commit deploys it.
 * @throws SLIP_PUSH_REF_MOVED, SLIP_PUSH_REF_WRITE
 */
export async function followRelease(repositoryDir: string, { ref, commit }: ReleasedCode): Promise<void> {
  if (!(await isRepository(repositoryDir))) return; // nothing was pushed yet
  const branch = await readHead(repositoryDir);
  if (ref?.startsWith(BRANCH) === true) {
    await setRef(repositoryDir, branch, commit);
    return;
  }
  if (ref !== undefined) await setRef(repositoryDir, ref, commit);
  const last = await readRef(repositoryDir, branch);
  if (last !== undefined) await removeBranch(repositoryDir, branch, last);
}

/**
 * Sets a ref to a commit, whatever its present commit. If the repository does not have that commit, the ref is removed: a branch must not show
 * code that does not serve, and then any commit can be pushed.
 */
async function setRef(repositoryDir: string, ref: string, commit: string): Promise<void> {
  const from = (await readRef(repositoryDir, ref)) ?? NO_COMMIT;
  if (from === commit) return;
  try {
    await moveRef(repositoryDir, ref, { from, to: commit });
  } catch (error) {
    if ((await existing(repositoryDir, [commit])).length > 0) throw error;
    if (from !== NO_COMMIT) await removeBranch(repositoryDir, ref, from);
    return;
  }
  if (ref.startsWith(BRANCH)) await forgetFormer(repositoryDir);
}

/** The hidden ref comes first. If a crash leaves both, the next call removes the branch. */
async function removeBranch(repositoryDir: string, branch: string, commit: string): Promise<void> {
  if (branch.startsWith(BRANCH)) {
    const from = (await readRef(repositoryDir, FORMER)) ?? NO_COMMIT;
    if (from !== commit) await moveRef(repositoryDir, FORMER, { from, to: commit });
  }
  await removeRef(repositoryDir, branch, commit);
}

/** The branch exists again, and the releases that are kept have refs of their own. */
async function forgetFormer(repositoryDir: string): Promise<void> {
  const former = await readRef(repositoryDir, FORMER);
  if (former !== undefined) await removeRef(repositoryDir, FORMER, former);
}

async function isRepository(dir: string): Promise<boolean> {
  try {
    return (await stat(join(dir, 'refs'))).isDirectory();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
