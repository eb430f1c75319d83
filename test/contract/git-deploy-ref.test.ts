import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { followRelease } from '../../controller/push/git/deploy-ref.ts';
import { gitCommand } from '../../controller/push/git/git.argv.ts';
import { keepCommits } from '../../controller/push/git/kept-commits.ts';
import { ensureRepository, readRef, setHead } from '../../controller/push/git/repository.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { run, runOk } from '../../shared/kit/exec.ts';

const MAIN = 'refs/heads/main';
const MASTER = 'refs/heads/master';
const ARCHIVE = 'refs/slipway/archive';
const ELSEWHERE = 'e'.repeat(40);
let dir: string;
let made = 0;
before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-deploy-ref-'))));
after(() => rm(dir, { recursive: true }));

async function repository(): Promise<string> {
  made += 1;
  return ensureRepository(dir, `app0000000${String(made)}` as AppId);
}

async function commit(repo: string, text: string): Promise<string> {
  const git = async (args: readonly string[], stdin = ''): Promise<string> =>
    (await runOk(run, { ...gitCommand(repo, args), stdin })).stdout.trim();
  const tree = await git(['mktree']);
  return git(['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit-tree', '-m', text, tree]);
}

it('is the commit of a push, and is gone while an archive or code of another app serves', async () => {
  const repo = await repository();
  const [pushed, archive] = [await commit(repo, 'pushed'), await commit(repo, 'archive')];
  await followRelease(repo, { ref: MAIN, commit: pushed });
  await keepCommits(repo, new Set([pushed]));
  assert.equal(await readRef(repo, MAIN), pushed);

  await followRelease(repo, { ref: ARCHIVE, commit: archive });
  assert.deepEqual([await readRef(repo, MAIN), await readRef(repo, ARCHIVE)], [undefined, archive]);
  await followRelease(repo, { ref: ARCHIVE, commit: archive });
  await followRelease(repo, { ref: MAIN, commit: pushed });
  assert.equal(await readRef(repo, MAIN), pushed, 'a rollback to the pushed commit');

  await followRelease(repo, { ref: undefined, commit: ELSEWHERE });
  assert.equal(await readRef(repo, MAIN), undefined);
  await followRelease(repo, { ref: MAIN, commit: pushed });
  await followRelease(repo, { ref: undefined, commit: pushed });
  assert.equal(await readRef(repo, MAIN), undefined, 'also when this repository has the commit of the other app');
});

it('leaves its last commit in a hidden ref when it is removed, until it exists again', async () => {
  const repo = await repository();
  const [first, second] = [await commit(repo, 'first'), await commit(repo, 'second')];
  const former = (): Promise<string | undefined> => readRef(repo, 'refs/slipway/former-branch');
  for (const last of [first, second]) {
    await followRelease(repo, { ref: MAIN, commit: last });
    assert.equal(await former(), undefined);
    await followRelease(repo, { ref: undefined, commit: ELSEWHERE });
    assert.equal(await former(), last);
  }
  await followRelease(repo, { ref: MAIN, commit: first });
  await followRelease(repo, { ref: MAIN, commit: ELSEWHERE });
  assert.deepEqual([await former(), await readRef(repo, MAIN)], [first, undefined]);
});

it('is gone when the repository does not have the commit of the current release', async () => {
  const repo = await repository();
  const now = await commit(repo, 'now');
  await followRelease(repo, { ref: MAIN, commit: now });
  await followRelease(repo, { ref: MAIN, commit: ELSEWHERE });
  assert.equal(await readRef(repo, MAIN), undefined);
  await followRelease(repo, { ref: MAIN, commit: now });
  assert.equal(await readRef(repo, MAIN), now);
});

it('is one branch: a rollback to a push of the former deploy branch moves the present one', async () => {
  const repo = await repository();
  const [old, now] = [await commit(repo, 'old'), await commit(repo, 'now')];
  await setHead(repo, MASTER);
  await followRelease(repo, { ref: MASTER, commit: old });
  await followRelease(repo, { ref: undefined, commit: ELSEWHERE });
  await setHead(repo, MAIN);
  await followRelease(repo, { ref: MAIN, commit: now });
  await followRelease(repo, { ref: MASTER, commit: old });
  assert.deepEqual([await readRef(repo, MAIN), await readRef(repo, MASTER)], [old, undefined]);
});

it('is removed also when a killed git left its lock, and when git has packed it', async () => {
  const repo = await repository();
  const pushed = await commit(repo, 'pushed');
  await followRelease(repo, { ref: MAIN, commit: pushed });
  await runOk(run, gitCommand(repo, ['pack-refs', '--all']));
  assert.equal(await readRef(repo, MAIN), pushed);
  await writeFile(join(repo, `${MAIN}.lock`), '');
  await followRelease(repo, { ref: undefined, commit: ELSEWHERE });
  assert.equal(await readRef(repo, MAIN), undefined);
});

it('does nothing for an app to which nothing was pushed', async () => {
  const absent = join(dir, 'absent.git');
  await followRelease(absent, { ref: undefined, commit: ELSEWHERE });
  await followRelease(absent, { ref: MAIN, commit: ELSEWHERE });
});
