import { existing, removeRef } from './kept-commits.ts';
import { NO_COMMIT } from './proc-receive.ts';
import { moveRef, readRef } from './repository.ts';

/**
 * Sets a deploy ref to the commit of the current release, whatever its present commit. If the repository does not have that commit, the ref
 * is removed: the branch must not show code that does not serve, and then any commit can be pushed.
 * @throws SLIP_PUSH_REF_MOVED, SLIP_PUSH_REF_WRITE
 */
export async function setDeployRef(
  repositoryDir: string,
  { ref, commit }: { readonly ref: string; readonly commit: string },
): Promise<void> {
  const from = (await readRef(repositoryDir, ref)) ?? NO_COMMIT;
  if (from === commit) return;
  try {
    await moveRef(repositoryDir, ref, { from, to: commit });
  } catch (error) {
    if ((await existing(repositoryDir, [commit])).length > 0) throw error;
    if (from !== NO_COMMIT) await removeRef(repositoryDir, ref, from);
  }
}
