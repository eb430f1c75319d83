import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { followRelease } from '../../controller/push/git/deploy-ref.ts';
import { readHead, readRef } from '../../controller/push/git/repository.ts';
import { openTree } from '../../controller/push/git/source.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { run } from '../../shared/kit/exec.ts';
import { accept, PushFixture, type TestKey, type WorkTree } from '../support/push-fixture.ts';

let fixture: PushFixture;
let ann: TestKey;
let tree: WorkTree;
let count = 0;

before(async () => {
  fixture = await PushFixture.start({ maxPackBytes: 2 * 1024 * 1024 });
  ann = await fixture.key('ann', 'ann');
});
after(() => fixture.stop());
beforeEach(async () => {
  count += 1;
  fixture.policy.deployWith = accept;
  tree = await fixture.workTree(`tree${String(count)}`, `app-${String(count)}`);
});

function repositoryDir(): string {
  const { app } = fixture.policy.owners.get(`app-${String(count)}`) ?? assert.fail('no app');
  return join(fixture.reposDir, `${app.appId}.git`);
}

test('a push after the deploy branch was removed sends only what is new, also near the quota', async () => {
  await tree.commit('large', randomBytes(700_000));
  assert.equal((await tree.push(ann)).code, 0);
  const { app } = fixture.policy.pushes.at(-1) ?? assert.fail();
  await followRelease(repositoryDir(), { ref: undefined, commit: 'e'.repeat(40) }); // as after a promotion
  const packs = async (): Promise<readonly string[]> =>
    (await readdir(join(repositoryDir(), 'objects', 'pack'))).filter((name) => name.endsWith('.pack'));
  const before = await packs();
  const listed = await fixture.git(ann, tree.dir, ['ls-remote', fixture.url(app.name)]);
  assert.deepEqual([listed.code, listed.stdout], [0, ''], 'no client sees the former branch');
  await tree.commit('small', 'new');
  fixture.policy.repositoryMegabytes = 1;
  const pushed = await tree.push(ann);
  fixture.policy.repositoryMegabytes = 1_000;
  assert.equal(pushed.code, 0, pushed.stderr);
  const [added = assert.fail()] = (await packs()).filter((name) => !before.includes(name));
  const { size } = await stat(join(repositoryDir(), 'objects', 'pack', added));
  assert.ok(size < 1_000, `the pack has ${String(size)} bytes`);
});

test('a push deploys, shows the output of the deploy, and can be cloned', async () => {
  fixture.policy.deployWith = async (push, output) => {
    output('-----> Building\n');
    output(Buffer.from('       \u001b[32mdone\u001b[0m\r\n'));
    return accept(push);
  };
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stderr, /remote: -----> Building *\nremote: {8}done *\n/);
  const push = fixture.policy.pushes.at(-1);
  assert.equal(push?.newCommit, await tree.git('rev-parse', 'HEAD'));
  assert.equal(push.commit?.subject, 'Change index.js');
  assert.deepEqual(Object.keys(push.timingsMs).sort(), ['authorise', 'receive', 'ssh', 'wait']);
  const clone = await fixture.git(ann, fixture.dir, [
    'clone',
    '--quiet',
    fixture.url(push.app.name),
    `clone${String(count)}`,
  ]);
  assert.equal(clone.code, 0, clone.stderr);
  const [head] = (
    await run({
      file: 'git',
      args: ['-C', join(fixture.dir, `clone${String(count)}`), 'log', '--format=%H'],
      env: fixture.env(),
    })
  ).stdout.split('\n');
  assert.equal(head, push.newCommit);
});

test('a rejected push leaves the ref where it was, says why, and the same commit can be pushed again', async () => {
  await tree.push(ann);
  const old = await tree.git('rev-parse', 'HEAD');
  const commit = await tree.commit('index.js', 'broken(\n');
  fixture.policy.deployWith = (_push, output) => {
    output(' !     compile failed');
    return Promise.resolve({ ok: false, reason: 'the build failed' });
  };
  const refused = await tree.push(ann);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /remote: {2}!     compile failed/);
  assert.match(refused.stderr, /! \[remote rejected\] main -> main \(the build failed\)/);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/main'), old);
  fixture.policy.deployWith = accept;
  assert.equal((await tree.push(ann)).code, 0);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/main'), commit);
});

test('the same commit again does nothing; a forced push to an older one deploys it', async () => {
  const first = await tree.git('rev-parse', 'HEAD');
  await tree.push(ann);
  await tree.commit('index.js', '2');
  await tree.push(ann);
  const deploys = fixture.policy.pushes.length;
  assert.match((await tree.push(ann)).stderr, /Everything up-to-date/);
  assert.equal(fixture.policy.pushes.length, deploys);
  await tree.git('reset', '--quiet', '--hard', first);
  await tree.commit('index.js', '3');
  assert.match((await tree.push(ann)).stderr, /rejected/);
  assert.equal((await tree.push(ann, '--force', 'slipway', 'main')).code, 0);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/main'), await tree.git('rev-parse', 'HEAD'));
});

test('other branches and tags are stored with a note, in the same push as a deploy', async () => {
  await tree.git('branch', 'feature');
  await tree.git('tag', '-a', '-m', 'one', 'v1');
  const deploys = fixture.policy.pushes.length;
  const pushed = await tree.push(ann, 'slipway', 'main', 'feature', 'v1');
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(
    pushed.stderr,
    /Stored the branch feature\. Only main is deployed\. To deploy this branch: git push slipway feature:main/,
  );
  assert.match(pushed.stderr, /Stored v1\. Only the branch main is deployed/);
  assert.equal(fixture.policy.pushes.length, deploys + 1);
  for (const ref of ['refs/heads/main', 'refs/heads/feature', 'refs/tags/v1'])
    assert.ok(await readRef(repositoryDir(), ref), ref);
  const removed = await tree.push(ann, 'slipway', ':feature');
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/feature'), undefined);
});

test('an app whose first push is master has master as its deploy branch, and clones check it out', async () => {
  const deploys = fixture.policy.pushes.length;
  assert.equal((await tree.push(ann, 'slipway', 'main:master')).code, 0);
  assert.equal(await readHead(repositoryDir()), 'refs/heads/master');
  assert.match((await tree.push(ann, 'slipway', 'main')).stderr, /Stored the branch main\. Only master is deployed/);
  assert.equal(fixture.policy.pushes.length, deploys + 1);
});

test('the deploy branch cannot be deleted, and places that are not the pusher’s are refused', async () => {
  await tree.push(ann);
  assert.match((await tree.push(ann, 'slipway', ':main')).stderr, /main is the deploy branch and cannot be deleted/);
  const refused = await tree.push(ann, 'slipway', 'main:refs/slipway/x', 'main:refs/pull/1', 'main:refs/heads/-x');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /refs\/slipway\/x \((refs\/slipway is reserved for Slipway|deny updating a hidden ref)\)/,
  );
  assert.match(refused.stderr, /only branches, tags and notes can be pushed/);
  assert.match(refused.stderr, /a name cannot start with a dash/);
});

test('an atomic push with a failing deploy changes nothing at all', async () => {
  await tree.git('branch', 'feature');
  fixture.policy.deployWith = () => Promise.resolve({ ok: false, reason: 'no' });
  const pushed = await tree.push(ann, '--atomic', 'slipway', 'main', 'feature');
  assert.equal(pushed.code, 1);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/feature'), undefined);
});

test('a pack over the limit is refused and nothing of it stays', async () => {
  await tree.commit('big.bin', randomBytes(3 * 1024 * 1024));
  const pushed = await tree.push(ann);
  assert.notEqual(pushed.code, 0);
  assert.match(pushed.stderr, /pack exceeds maximum allowed size/);
  assert.match(pushed.stderr, /Take large files out of the commits/);
  assert.deepEqual((await readdir(join(repositoryDir(), 'objects'))).sort(), ['info', 'pack']);
});

test('a commit that fsck finds fault with is refused', async () => {
  const head = await tree.git('cat-file', 'commit', 'HEAD');
  const bad = await run({
    file: 'git',
    args: ['-C', tree.dir, 'hash-object', '-t', 'commit', '-w', '--literally', '--stdin'],
    env: fixture.env(),
    stdin: `${head.replace(/^author .*$/m, 'author no-mail-here')}\n`,
  });
  const pushed = await tree.push(ann, 'slipway', `${bad.stdout.trim()}:refs/heads/main`);
  assert.notEqual(pushed.code, 0);
  assert.match(pushed.stderr, /missingEmail|fsck error|unpacker error/);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/main'), undefined);
});

test('a tree or tag pushed as the deploy branch is refused with a reason', async () => {
  const treeId = await tree.git('rev-parse', 'HEAD^{tree}');
  const pushed = await tree.push(ann, 'slipway', `${treeId}:refs/heads/main`);
  assert.equal(pushed.code, 1);
  assert.match(pushed.stderr, /is not a commit/);
  await tree.git('tag', '-a', '-m', 'one', 'v1');
  const tagged = await tree.push(ann, 'slipway', 'v1:refs/heads/main');
  assert.match(tagged.stderr, /is a tag, not a commit\.[^]*git push slipway 'TAG\^\{\}:refs\/heads\/main'/);
  assert.equal((await tree.push(ann, 'slipway', 'v1^{}:refs/heads/main')).code, 0);
});

test('a tag as the first push to the deploy branch is refused with the command that works, and no tag main stays', async () => {
  await tree.git('tag', '-a', '-m', 'one', 'v1.0');
  await tree.git('tag', 'light');
  const deploys = fixture.policy.pushes.length;
  for (const source of ['v1.0', 'light']) {
    const tagged = await tree.push(ann, 'slipway', `${source}:main`); // git makes refs/tags/main of it
    assert.equal(tagged.code, 1, tagged.stderr);
    assert.match(
      tagged.stderr,
      /this creates a tag named main, and tags are not deployed; .*git push slipway 'TAG\^\{\}:refs\/heads\/main'/,
    );
  }
  assert.equal(fixture.policy.pushes.length, deploys);
  assert.equal((await tree.push(ann, 'slipway', 'v1.0^{}:refs/heads/main')).code, 0);
  await tree.commit('index.js', '2');
  const next = await tree.push(ann);
  assert.equal(next.code, 0, next.stderr);
  assert.equal(fixture.policy.pushes.length, deploys + 2);
});

test('a blob or a tree is not a branch; a mirror and all tags deploy only the deploy branch, with a note', async () => {
  const [blob, root] = [await tree.git('rev-parse', 'HEAD:index.js'), await tree.git('rev-parse', 'HEAD^{tree}')];
  for (const id of [blob, root]) {
    const pushed = await tree.push(ann, 'slipway', `${id}:refs/heads/side`);
    assert.equal(pushed.code, 1, pushed.stderr);
    assert.equal(await readRef(repositoryDir(), 'refs/heads/side'), undefined);
  }
  await tree.git('tag', '-a', '-m', 'one', 'v1');
  await tree.git('branch', 'master');
  await tree.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  const deploys = fixture.policy.pushes.length;
  const mirrored = await tree.push(ann, '--mirror', 'slipway');
  assert.equal(fixture.policy.pushes.length, deploys + 1);
  assert.match(mirrored.stderr, /origin\/main -> .*only branches, tags and notes can be pushed/);
  assert.match(mirrored.stderr, /Stored the branch master\. Only main is deployed/);
  assert.equal(await readRef(repositoryDir(), 'refs/heads/main'), await tree.git('rev-parse', 'HEAD'));
  assert.ok(await readRef(repositoryDir(), 'refs/tags/v1'));
});

test('a refusal before the pack is one sentence and a hint', async () => {
  fixture.policy.refuseReceive = new SlipwayError({
    code: 'SLIP_DISK_FULL',
    message: 'The disk is full.',
    hint: 'Free some: slipway gc',
  });
  const pushed = await tree.push(ann);
  fixture.policy.refuseReceive = undefined;
  assert.equal(pushed.code, 128);
  assert.equal(pushed.stderr, 'fatal: remote error: The disk is full.\nFree some: slipway gc\n');
});

test('another user’s app and a missing app get the same answer', async () => {
  await tree.push(ann);
  const bob = await fixture.key(`bob${String(count)}`, 'bob');
  const foreign = await tree.push(bob);
  const unknown = await fixture.git(bob, tree.dir, ['fetch', fixture.url('nothing')]);
  assert.equal(foreign.stderr.replace(`app-${String(count)}`, 'X'), unknown.stderr.replace('nothing', 'X'));
  assert.match(unknown.stderr, /There is no app nothing, or you may not use it\.\nSee your apps: slipway apps/);
});

test('an unexpected failure in the controller is reported without its details', async () => {
  fixture.policy.deployWith = () => Promise.reject(new Error('secret path /srv/x'));
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 1);
  assert.doesNotMatch(pushed.stderr, /secret/);
  assert.match(pushed.stderr, /remote: {2}! {5}Slipway hit an unexpected problem/);
});

test('a push of a shallow clone is refused by git, nothing deploys', async () => {
  await tree.commit('a', '1');
  await run({
    file: 'git',
    args: ['clone', '--quiet', '--depth=1', `file://${tree.dir}`, `${tree.dir}-shallow`],
    env: fixture.env(),
  });
  const pushed = await fixture.git(ann, `${tree.dir}-shallow`, ['push', fixture.url(`app-${String(count)}`), 'main']);
  assert.match(pushed.stderr, /shallow update not allowed/);
  assert.match(pushed.stderr, /Fetch the rest, then push again: git fetch --unshallow/);
});

test('the source for a builder is the whole tree, regardless of .gitattributes', async () => {
  await tree.commit('secret.txt', 'kept $Format:%H$');
  await tree.commit('.gitattributes', 'secret.txt export-ignore export-subst\nindex.js export-ignore\n');
  await tree.push(ann);
  const commit = await tree.git('rev-parse', 'HEAD');
  const chunks: Buffer[] = [];
  for await (const chunk of openTree(repositoryDir(), commit)) chunks.push(chunk as Buffer);
  const tar = gunzipSync(Buffer.concat(chunks)).toString('latin1');
  assert.ok(tar.includes('secret.txt') && tar.includes('kept $Format:%H$') && tar.includes('index.js'));
});

test('the source of a missing commit fails with an error', async () => {
  await tree.push(ann);
  await assert.rejects(async () => {
    for await (const chunk of openTree(repositoryDir(), '1'.repeat(40))) assert.ok(chunk);
  }, /could not be read/);
});

test('hooks and configuration that a push brings along are never run', async () => {
  await tree.commit('config', '[core]\n\tfsmonitor = touch /tmp/slipway-pwned\n');
  const pushed = await tree.push(ann, '--push-option=x', 'slipway', 'main');
  assert.match(pushed.stderr, /does not support push options/);
  assert.equal((await tree.push(ann)).code, 0);
});

test('after a restart the server has the same host key and repositories, without leftovers of a crash', async () => {
  await tree.push(ann);
  const { fingerprint } = fixture.address;
  const leftovers = [
    join(fixture.reposDir, '.new-app-1'),
    join(repositoryDir(), 'objects', 'tmp_objdir-incoming-x'),
    join(repositoryDir(), 'refs', 'heads', 'main.lock'),
  ];
  for (const path of leftovers) await mkdir(path);
  await fixture.restart();
  assert.equal(fixture.address.fingerprint, fingerprint);
  await tree.commit('index.js', 'again');
  await tree.git('remote', 'set-url', 'slipway', fixture.url(`app-${String(count)}`));
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
  for (const path of leftovers) await assert.rejects(readdir(path), { code: 'ENOENT' });
});
