import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../../shared/kit/errors.ts';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { kindsCommand, refUpdatesCommand } from './git.argv.ts';

/** Git does not show refs below refs/slipway to clients, and no push can change them. */
const FOLDER = 'refs/slipway/commits';
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Makes a hidden ref for each of these commits, and removes the hidden refs of all others. So a commit that no branch has any more, for
 * example after a forced push, stays as long as a rollback can restore its release. Commits that the repository does not have are left out.
 * @throws SLIP_EXEC_FAILED
 */
export async function keepCommits(repositoryDir: string, wanted: ReadonlySet<string>): Promise<void> {
  if ((await namesIn(join(repositoryDir, 'refs'))) === undefined) return; // nothing was pushed yet
  const kept = ((await namesIn(join(repositoryDir, FOLDER))) ?? []).filter((name) => COMMIT.test(name));
  const added = await existing(
    repositoryDir,
    [...wanted].filter((commit) => COMMIT.test(commit) && !kept.includes(commit)),
  );
  const removed = kept.filter((commit) => !wanted.has(commit));
  if (added.length === 0 && removed.length === 0) return;
  const updates = [
    ...added.map((commit) => `update ${FOLDER}/${commit} ${commit}\n`),
    ...removed.map((commit) => `delete ${FOLDER}/${commit}\n`),
  ];
  await runOk(run, refUpdatesCommand(repositoryDir, updates.join('')));
}

/** Those of the commits that the repository has. */
export async function existing(repositoryDir: string, commits: readonly string[]): Promise<readonly string[]> {
  if (commits.length === 0) return [];
  const { stdout } = await runOk(run, kindsCommand(repositoryDir, commits));
  const kinds = stdout.split('\n');
  return commits.filter((_, at) => kinds[at] === 'commit');
}

async function namesIn(dir: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
