import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gitCommand } from '../../controller/push/git/git.argv.ts';
import { readRef } from '../../controller/push/git/repository.ts';
import type { PushOutcome } from '../../controller/push/port.ts';
import { run, runOk, start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { accept, PushFixture, type TestKey, type WorkTree } from '../support/push-fixture.ts';

/** Pushes that overlap, and clients that go away. */

let fixture: PushFixture;
let ann: TestKey;

before(async () => {
  fixture = await PushFixture.start();
  ann = await fixture.key('ann', 'ann');
});
after(() => fixture.stop());

/** Makes deploys wait; returns what lets the oldest waiting one go on. */
function holdDeploys(): { waiting: () => number; release: () => void } {
  const held: (() => void)[] = [];
  fixture.policy.deployWith = async (push) => {
    await new Promise<void>((go) => held.push(go));
    return accept(push);
  };
  return { waiting: () => held.length, release: () => held.shift()?.() };
}

async function secondTree(name: string, origin: WorkTree): Promise<WorkTree> {
  const other = await fixture.workTree(name, 'unused');
  await other.git('remote', 'set-url', 'slipway', await origin.git('remote', 'get-url', 'slipway'));
  await other.git('fetch', '--quiet', origin.dir, 'main');
  await other.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
  return other;
}

test('the second of two pushes to an app waits with a message, and is refused when the branch has moved', async () => {
  const one = await fixture.workTree('one', 'together');
  await one.push(ann);
  const two = await secondTree('two', one);
  const first = await one.commit('a', '1');
  await two.commit('b', '2');
  const hold = holdDeploys();
  const pushOne = one.push(ann);
  await eventually('the first deploy', () => hold.waiting() === 1);
  const child = start({ file: 'git', args: ['push', 'slipway', 'main'], cwd: two.dir, env: fixture.env(ann) }, [
    'ignore',
    'ignore',
    'pipe',
  ]);
  let seen = '';
  child.stderr?.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  await eventually('the second to be told, while the first still runs', () =>
    seen.includes(`remote: Another push to together is running (commit ${first.slice(0, 7)}); your push waits.`),
  );
  // Its last words may come after its exit: all of them are here when the pipe is closed.
  const closed = new Promise((resolve) => child.once('close', resolve));
  hold.release();
  assert.equal((await pushOne).code, 0);
  await closed;
  assert.match(
    seen,
    new RegExp(
      `! \\[remote rejected\\] main -> main \\(main moved to ${first.slice(0, 7)} while this push waited; fetch and push again\\)`,
    ),
  );
  assert.equal(child.exitCode, 1);
});

test('when the first push fails, the second one continues', async () => {
  const one = await fixture.workTree('three', 'together-b');
  fixture.policy.deployWith = accept;
  await one.push(ann);
  const two = await secondTree('four', one);
  await one.commit('a', '1');
  const commit = await two.commit('b', '2');
  let fail: (outcome: PushOutcome) => void = () => undefined;
  fixture.policy.deployWith = () =>
    new Promise((resolve) => {
      fail = resolve;
    });
  fixture.policy.maxRunning = 0;
  const pushOne = one.push(ann);
  await eventually('the first deploy', () => fixture.policy.running === 1);
  const pushTwo = two.push(ann);
  fixture.policy.deployWith = accept;
  fail({ ok: false, reason: 'no' });
  assert.equal((await pushOne).code, 1);
  const second = await pushTwo;
  assert.equal(second.code, 0, second.stderr);
  assert.equal(fixture.policy.maxRunning, 1);
  assert.equal(fixture.policy.pushes.at(-1)?.newCommit, commit);
});

test('two first pushes to one new app at the same moment make one repository', async () => {
  fixture.policy.deployWith = accept;
  const trees = await Promise.all([1, 2, 3].map((index) => fixture.workTree(`new${String(index)}`, 'brand-new')));
  const results = await Promise.all(trees.map((tree) => tree.push(ann)));
  assert.ok(results.some(({ code }) => code === 0));
  assert.ok((await readdir(fixture.reposDir)).every((name) => /^app\d+\.git$/.test(name)));
});

test('pushes to different apps run together', async () => {
  const trees = await Promise.all(['apart-a', 'apart-b'].map((app) => fixture.workTree(app, app)));
  const hold = holdDeploys();
  const pushes = trees.map((tree) => tree.push(ann));
  await eventually('both deploys', () => hold.waiting() === 2);
  hold.release();
  hold.release();
  assert.deepEqual(
    (await Promise.all(pushes)).map(({ code }) => code),
    [0, 0],
  );
});

test('a client killed in mid-build cancels the build, leaves nothing behind, and the same commit can be pushed again', async () => {
  const tree = await fixture.workTree('killed', 'killed');
  let cancelled = false;
  fixture.policy.deployWith = (_push, output, signal) =>
    new Promise((resolve) => {
      output('-----> Building\n');
      signal.addEventListener('abort', () => {
        cancelled = true;
        resolve({ ok: false, reason: 'cancelled' });
      });
    });
  const child = start(
    { file: 'git', args: ['push', 'slipway', 'main'], cwd: tree.dir, env: fixture.env(ann) },
    'ignore',
    true,
  );
  await eventually('the build to run', () => fixture.policy.running === 1);
  process.kill(-(child.pid ?? assert.fail()), 'SIGKILL');
  await eventually('the build to be cancelled', () => cancelled);
  await eventually('git to be gone', async () => (await gitChildren()) === 0);
  const push = fixture.policy.pushes.at(-1) ?? assert.fail();
  assert.equal(await readRef(push.repositoryDir, 'refs/heads/main'), undefined);
  assert.deepEqual((await readdir(join(push.repositoryDir, 'objects'))).sort(), ['info', 'pack']);
  fixture.policy.deployWith = accept;
  assert.equal((await tree.push(ann)).code, 0);
});

async function gitChildren(): Promise<number> {
  const children = (await readFile(`/proc/self/task/${String(process.pid)}/children`, 'utf8'))
    .trim()
    .split(' ')
    .filter(Boolean);
  const commands = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes('receive-pack')).length;
}

test('a deploy that cannot be cancelled any more continues without its client, and the next push waits for it', async () => {
  const tree = await fixture.workTree('committed', 'committed');
  const hold = holdDeploys();
  const child = start(
    { file: 'git', args: ['push', 'slipway', 'main'], cwd: tree.dir, env: fixture.env(ann) },
    'ignore',
    true,
  );
  await eventually('the deploy', () => hold.waiting() === 1);
  const first = await tree.git('rev-parse', 'HEAD');
  process.kill(-(child.pid ?? assert.fail()), 'SIGKILL');
  await eventually('git to be gone', async () => (await gitChildren()) === 0);
  const again = tree.push(ann);
  hold.release();
  const result = await again;
  assert.match(result.stderr, /Another push to committed is running|up-to-date|moved to/);
  const push = fixture.policy.pushes.at(-1) ?? assert.fail();
  assert.equal(await readRef(push.repositoryDir, 'refs/heads/main'), first);
});

test('a flood of output to a client that does not read is bounded and does not stop the deploy', async () => {
  const tree = await fixture.workTree('flood', 'flood');
  fixture.policy.deployWith = (push, output) => {
    for (let index = 0; index < 1000; index += 1) output('x'.repeat(50_000));
    return accept(push);
  };
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0);
  assert.ok(pushed.stderr.length < 20_000_000);
});

test('the next push repacks the repository after many pushes', async () => {
  fixture.policy.deployWith = accept;
  const tree = await fixture.workTree('many', 'many');
  await tree.push(ann);
  const { repositoryDir } = fixture.policy.pushes.at(-1) ?? assert.fail();
  const packs = join(repositoryDir, 'objects', 'pack');
  for (let index = 0; index < 52; index += 1) {
    const commit = await tree.commit('n', String(index));
    const pack = gitCommand(tree.gitDir, ['pack-objects', '--quiet', '--revs', join(packs, 'pack')]);
    await runOk(run, { ...pack, stdin: `${commit}\n^${commit}~1\n` });
  }
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
  await eventually('the packs to be put together', async () => {
    const files = await readdir(packs);
    return files.filter((name) => name.endsWith('.pack')).length < 10;
  });
  assert.equal(await readRef(repositoryDir, 'refs/heads/main'), await tree.git('rev-parse', 'HEAD'));
});
