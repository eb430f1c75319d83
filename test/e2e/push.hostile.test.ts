import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import type ssh2 from 'ssh2';
import { encodePkt, FLUSH_PKT } from '../../controller/push/git/pkt-line.ts';
import { MAX_REFS, NO_COMMIT } from '../../controller/push/git/proc-receive.ts';
import { readRef } from '../../controller/push/git/repository.ts';
import { REPOSITORY_REFS_MAX } from '../../controller/push/repository-limits.ts';
import { run } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { deltaBomb, packOf } from '../support/git-packs.ts';
import { killProcess } from '../support/kill-process.ts';
import { accept, PushFixture, type TestKey, type WorkTree } from '../support/push-fixture.ts';
import { connectClient, execOn } from '../support/ssh-client.ts';

const MAX_PER_USER = 4;
const MEMORY_BYTES = 256 * 1024 ** 2;

let fixture: PushFixture;
let ann: TestKey;
let eve: TestKey;

before(async () => {
  fixture = await PushFixture.start({
    maxPackBytes: 64 * 1024 * 1024,
    limits: { maxPerUser: MAX_PER_USER },
    gitMemoryBytes: MEMORY_BYTES,
    turns: { maxPerUser: 1 },
  });
  ann = await fixture.key('ann', 'ann');
  eve = await fixture.key('eve', 'eve');
});
after(() => fixture.stop());

async function honestPush(name: string): Promise<void> {
  const tree = await fixture.workTree(name, name);
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
}

function repositoryDir(app: string): string {
  return join(fixture.reposDir, `${fixture.policy.owners.get(app)?.app.appId ?? assert.fail('no app')}.git`);
}

/** Sends bytes of our own making to `git receive-pack`, and returns all that comes back. */
async function sendRaw(app: string, bytes: Buffer): Promise<string> {
  const client = await connectClient(fixture, { privateKey: eve.privateKey });
  try {
    return await new Promise((resolve, reject) => {
      client.exec(`git-receive-pack '${app}'`, (error, stream) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        let text = '';
        const take = (chunk: Buffer): void => void (text += chunk.toString('latin1'));
        stream.on('data', take).on('close', () => resolve(text));
        stream.stderr.on('data', take);
        stream.end(bytes);
      });
    });
  } finally {
    client.end();
  }
}

function pushOf(pack: Buffer, refs: readonly string[] = ['refs/heads/main']): Buffer {
  const commands = refs.map((ref, at) =>
    encodePkt(`${NO_COMMIT} ${'1'.repeat(40)} ${ref}${at === 0 ? '\0report-status side-band-64k' : ''}`),
  );
  return Buffer.concat([...commands, FLUSH_PKT, pack]);
}

test('a delta that unpacks to gigabytes ends git, not the machine, and the user gets the reason', async () => {
  const bomb = deltaBomb(256); // 4 GB
  assert.ok(bomb.length < 100_000);
  const said = await sendRaw('bomb-one', pushOf(bomb));
  assert.match(said, /Out of memory/);
  assert.match(said, /needs more than 256 MB of memory .* limit for one push.*Take large files out/);
  assert.deepEqual(
    (await readdir(join(repositoryDir('bomb-one'), 'objects'))).sort(),
    ['info', 'pack'],
    'nothing of it stays',
  );
  await honestPush('after-the-bomb');
});

test('many bombs of one user go one after the other, so that their memory is that of one git', async () => {
  const bomb = pushOf(deltaBomb(12)); // 192 MB: within the limit of one git
  const most = { gits: 0, bytes: 0 };
  let ended = false;
  const bombs = Promise.all(
    Array.from({ length: MAX_PER_USER }, (_, at) => sendRaw(`bomb-of-many-${String(at)}`, bomb)),
  ).finally(() => {
    ended = true;
  });
  await eventually(
    'the end of all',
    async () => {
      const gits = await indexPacks();
      most.gits = Math.max(most.gits, gits.length);
      const bytes = gits.reduce((sum, size) => sum + size, 0);
      most.bytes = Math.max(most.bytes, bytes);
      return ended;
    },
    280_000,
  );
  const said = await bombs;
  assert.ok(most.bytes > 0, 'a git was seen at work');
  assert.ok(most.gits <= 1, `${String(most.gits)} at once`);
  assert.ok(most.bytes <= MEMORY_BYTES + 64 * 1024 ** 2, `${String(most.bytes)} bytes`);
  assert.ok(said.some((text) => text.includes('waits until another one ends')));
  await honestPush('beside-many-bombs');
});

/** Bytes of memory of each `git index-pack` that our gits started; its own pages, not those of files. */
async function indexPacks(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const cwd = command.includes('index-pack') ? await readlink(`/proc/${pid}/cwd`).catch(() => '') : '';
      if (!cwd.startsWith(fixture.reposDir)) return undefined;
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    }),
  );
  return sizes.filter((size) => size !== undefined);
}

test('a push that is cut, and one whose git is killed, leave nothing, while another push of the app is deployed', async () => {
  const tree = await fixture.workTree('cut', 'cut');
  const deployed = Promise.withResolvers<undefined>();
  const deploying = Promise.withResolvers<undefined>();
  fixture.policy.deployWith = async (push) => {
    deploying.resolve(undefined);
    await deployed.promise;
    return accept(push);
  };
  const pushed = tree.push(eve);
  await deploying.promise;
  const objects = join(repositoryDir('cut'), 'objects');
  const content = randomBytes(1024 * 1024);
  const half = pushOf(packOf([{ type: 3, size: content.length, data: deflateSync(content) }]), [
    'refs/heads/x',
  ]).subarray(0, 500_000);
  for (const kill of [false, true]) {
    const client = await connectClient(fixture, { privateKey: eve.privateKey });
    await new Promise((resolve, reject) => {
      client.exec("git-receive-pack 'cut'", (error, stream) => {
        if (error !== undefined) reject(error);
        else stream.on('data', () => undefined).write(half, resolve);
      });
    });
    await eventually('a quarantine', async () =>
      (await readdir(objects)).some((name) => name.startsWith('tmp_objdir-')),
    );
    if (kill) for (const pid of await pidsOf('receive-pack', 'cut')) killProcess(pid);
    else client.destroy();
    await eventually(
      'nothing of it',
      async () => !(await readdir(objects)).some((name) => name.startsWith('tmp_objdir-')),
    );
    client.destroy();
  }
  deployed.resolve(undefined);
  fixture.policy.deployWith = accept;
  assert.equal((await pushed).code, 0, (await pushed).stderr);
});

/** The gits of this kind that run in the repository of an app, but for those whose push is deployed: they hold no pack. */
async function pidsOf(service: string, app: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const command = (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (command[0] === 'git' && command.includes(service) && command.includes(repositoryDir(app))) found.push(pid);
  }
  return [Math.max(...found)];
}

test('an object that says it is larger than any memory is refused without taking it', async () => {
  const zeros = deflateSync(Buffer.alloc(1024 * 1024));
  for (const size of [2 ** 40, 2 ** 50]) {
    const said = await sendRaw('bomb-two', pushOf(packOf([{ type: 3, size, data: zeros }])));
    assert.match(said, /unpack/i);
    assert.equal(await readRef(repositoryDir('bomb-two'), 'refs/heads/main'), undefined);
  }
});

test('a push of too many refs is refused with a reason, and changes none', async () => {
  const tree = await fixture.workTree('many-refs', 'many-refs');
  const head = await tree.git('rev-parse', 'HEAD');
  const tags = Array.from({ length: MAX_REFS + 1 }, (_, at) => `create refs/tags/t${String(at)} ${head}\n`);
  await run({ file: 'git', args: ['-C', tree.dir, 'update-ref', '--stdin'], env: fixture.env(), stdin: tags.join('') });
  const pushed = await tree.push(eve, '--tags', 'slipway', 'main');
  assert.equal(pushed.code, 1);
  assert.match(pushed.stderr, /One push can change 5000 branches and tags at most/);
  assert.equal(await readRef(repositoryDir('many-refs'), 'refs/heads/main'), undefined);
  assert.equal((await tree.push(eve)).code, 0);
});

test('a repository has a limited number of refs, and a push that adds more is refused, in words, while deploys go on', async () => {
  const tree = await fixture.workTree('full-of-refs', 'full-of-refs');
  const head = await tree.git('rev-parse', 'HEAD');
  assert.equal((await tree.push(eve)).code, 0);
  const tags = Array.from(
    { length: REPOSITORY_REFS_MAX - 2 },
    (_, at) => `${head} refs/tags/t${String(at).padStart(4, '0')}\n`,
  );
  await writeFile(
    join(repositoryDir('full-of-refs'), 'packed-refs'),
    `# pack-refs with: peeled fully-peeled sorted \n${tags.join('')}`,
  );
  const two = await tree.push(eve, 'slipway', 'main:refs/heads/one', 'main:refs/heads/two');
  assert.notEqual(two.code, 0);
  assert.match(
    two.stderr,
    /The repository of full-of-refs would have more than 5000 branches and tags, the most that an app can have/,
  );
  assert.equal((await tree.push(eve, 'slipway', 'main:refs/heads/one')).code, 0, 'one more has its place');
  await tree.commit('index.js', 'console.log(2)\n');
  assert.equal((await tree.push(eve)).code, 0, 'a deploy adds no ref');
  assert.equal((await tree.push(eve, 'slipway', '--delete', 't0001')).code, 0);
  assert.equal((await tree.push(eve, 'slipway', 'main:refs/heads/two')).code, 0);
});

test('a repository has a limited size: the push that exceeds it is refused with both numbers, and branches can still be deleted', async () => {
  const tree = await fixture.workTree('full-of-bytes', 'full-of-bytes');
  await tree.commit('data', randomBytes(1_500_000));
  assert.equal((await tree.push(eve, 'slipway', 'main', 'main:other')).code, 0);
  fixture.policy.repositoryMegabytes = 2;
  try {
    await tree.commit('more', randomBytes(1_000_000));
    const refused = await tree.push(eve);
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /The repository of full-of-bytes has 2 MB, and with this push it would have more than 2 MB/,
    );
    assert.match(refused.stderr, /slipway users:quotas eve repositoryMegabytes=4/);
    fixture.policy.repositoryMegabytes = 1;
    assert.equal((await tree.push(eve, 'slipway', '--delete', 'other')).code, 0);
  } finally {
    fixture.policy.repositoryMegabytes = 1_000;
  }
});

test('trees with names that lead elsewhere are refused by fsck', async () => {
  const tree = await fixture.workTree('odd-names', 'odd-names');
  const names = ['..', '.', '.git', '.GIT', 'git~1', '.g\u200cit', '.git ', '.git::$INDEX_ALLOCATION', 'a/b'];
  for (const name of names) {
    const commit = await commitWithEntry(tree, name);
    const pushed = await tree.push(eve, 'slipway', `${commit}:refs/heads/main`);
    assert.notEqual(pushed.code, 0, JSON.stringify(name));
    assert.match(pushed.stderr, /fsck error|unpacker error|malformed/i, JSON.stringify(name));
    assert.equal(await readRef(repositoryDir('odd-names'), 'refs/heads/main'), undefined);
  }
});

/** Written byte by byte: git's own commands would not make it. */
async function commitWithEntry(tree: WorkTree, name: string): Promise<string> {
  const blob = await tree.git('rev-parse', 'HEAD:index.js');
  const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]);
  const hash = async (type: string, stdin: Buffer | string): Promise<string> => {
    const args = ['-C', tree.dir, 'hash-object', '-t', type, '-w', '--literally', '--stdin'];
    return (await run({ file: 'git', args, env: fixture.env(), stdin })).stdout.trim();
  };
  const id = await hash('tree', entry);
  return hash('commit', `tree ${id}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nodd\n`);
}

test('refs with names that are dangerous for a terminal, a shell or a file system are refused', async () => {
  const empty = packOf([]);
  for (const ref of [
    'refs/heads/-x',
    'refs/heads/a..b',
    'refs/heads/a.lock',
    'refs/heads/\u001b[2J',
    'refs/heads/a b',
    '../../x',
    'refs/heads/x\n0000',
  ]) {
    const said = await sendRaw('odd-refs', pushOf(empty, [ref]));
    assert.doesNotMatch(said, /^[0-9a-f]{4}ok /m, JSON.stringify(ref));
  }
  assert.deepEqual(await readdir(join(repositoryDir('odd-refs'), 'refs', 'heads')), []);
});

test('one user cannot take the connections of the others', async () => {
  const clients: ssh2.Client[] = [];
  const greet = async (client: ssh2.Client): Promise<boolean> =>
    (await execOn(client, 'shell')).stderr.startsWith('Hello eve');
  for (let index = 0; index < MAX_PER_USER; index += 1)
    clients.push(await connectClient(fixture, { privateKey: eve.privateKey }));
  const more = await execOn(await connectClient(fixture, { privateKey: eve.privateKey }), 'shell');
  assert.match(
    more.stderr,
    new RegExp(`User eve has ${String(MAX_PER_USER)} SSH connections, and the quota allows no more`),
  );
  await honestPush('beside-the-crowd');
  assert.ok(await greet(clients[0]!), 'what was open stays');
  for (const client of clients) client.end();
  await eventually('room again', () => connectClient(fixture, { privateKey: eve.privateKey }).then(greet, () => false));
});
