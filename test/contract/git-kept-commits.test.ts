import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { followRelease } from '../../controller/push/git/deploy-ref.ts';
import { GIT_ENV, gitCommand } from '../../controller/push/git/git.argv.ts';
import { existing, keepCommits } from '../../controller/push/git/kept-commits.ts';
import { ensureRepository, readRef } from '../../controller/push/git/repository.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { run, runOk } from '../../shared/kit/exec.ts';

const MAIN = 'refs/heads/main';
let dir: string;
let made = 0;
before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-kept-'))));
after(() => rm(dir, { recursive: true }));

async function repository(): Promise<string> {
  made += 1;
  return ensureRepository(dir, `app0000000${String(made)}` as AppId);
}

/** A commit without a parent, so no other commit keeps it. */
async function commit(repo: string, text: string): Promise<string> {
  const git = async (args: readonly string[], stdin = ''): Promise<string> =>
    (await runOk(run, { ...gitCommand(repo, args), stdin })).stdout.trim();
  const blob = await git(['hash-object', '-w', '--stdin'], text);
  const tree = await git(['mktree'], `100644 blob ${blob}\tfile\n`);
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  return git([...who, 'commit-tree', '-m', text, tree]);
}

async function removeUnreachable(repo: string): Promise<void> {
  await runOk(run, gitCommand(repo, ['-c', 'gc.packRefs=false', 'gc', '--quiet', '--prune=now']));
}

it('keeps the commit of a former release after a forced push and a clean-up, until its release is given up', async () => {
  const repo = await repository();
  const [old, now] = [await commit(repo, 'old'), await commit(repo, 'now')];
  await followRelease(repo, { ref: MAIN, commit: old });
  await keepCommits(repo, new Set([old]));
  await followRelease(repo, { ref: MAIN, commit: now });
  await keepCommits(repo, new Set([old, now, 'f'.repeat(40), '../../evil']));
  await removeUnreachable(repo);
  await followRelease(repo, { ref: MAIN, commit: old });
  assert.equal(await readRef(repo, MAIN), old);
  await keepCommits(repo, new Set([old]));
  await removeUnreachable(repo);
  assert.deepEqual(await existing(repo, [old, now]), [old]);
});

it('shows the kept commits to no client', async () => {
  const repo = await repository();
  await keepCommits(repo, new Set([await commit(repo, 'hidden')]));
  const uploadPack = 'git -c transfer.hideRefs=refs/slipway upload-pack';
  const args = ['ls-remote', `--upload-pack=${uploadPack}`, repo];
  assert.equal((await runOk(run, { file: 'git', args, env: GIT_ENV })).stdout, '');
});

it('does nothing for an app to which nothing was pushed', async () => {
  await keepCommits(join(dir, 'absent.git'), new Set(['a'.repeat(40)]));
});
