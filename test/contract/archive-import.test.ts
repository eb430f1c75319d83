import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { importArchive, type ArchiveImport } from '../../controller/push/archive/import-archive.ts';
import { gitCommand } from '../../controller/push/git/git.argv.ts';
import { ensureRepository } from '../../controller/push/git/repository.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { randomId } from '../../shared/kit/random-id.ts';

type Member = readonly [name: string, content: string | Buffer, header?: Partial<Header>];

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, content, header] of members) tar.entry({ name, ...header }, content);
  tar.finalize();
  return await buffer(tar);
}

const quiet = { fromClient: () => undefined, gitReads: () => undefined };

describe('the import of an archive', () => {
  let reposDir: string;
  let repositoryDir: string;

  before(async () => {
    reposDir = await mkdtemp(join(tmpdir(), 'slipway-archive-'));
    repositoryDir = await ensureRepository(reposDir, randomId() as AppId);
  });
  after(() => rm(reposDir, { recursive: true }));

  const store = async (archive: Buffer, change: Partial<ArchiveImport> = {}): ReturnType<typeof importArchive> =>
    await importArchive({
      ...{
        repositoryDir,
        source: Readable.from([archive], { objectMode: false }),
        author: 'ada',
        timeMs: 1_700_000_000_000,
      },
      ...{ stripsTop: false, limit: { maxPackBytes: 1e8 }, traffic: quiet, signal: new AbortController().signal },
      ...change,
    });
  const git = async (...args: string[]): Promise<string> => (await runOk(run, gitCommand(repositoryDir, args))).stdout;
  const refusal = async (archive: Buffer, change: Partial<ArchiveImport> = {}): Promise<string> => {
    const packs = await readdir(join(repositoryDir, 'objects', 'pack'));
    const error: unknown = await store(archive, change).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.deepEqual(await readdir(join(repositoryDir, 'objects', 'pack')), packs, 'a refused archive leaves nothing');
    assert.deepEqual(
      (await readdir(reposDir)).filter((name) => name.startsWith('.new-')),
      [],
    );
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  };

  it('makes a commit without a parent from a tar or a tgz, and shows no ref', async () => {
    const members: Member[] = [
      ['./Procfile', 'web: ./run\n'],
      ['./a "b"\\\nc.txt', 'odd'],
      ['./run', '#!/bin/sh\n', { mode: 0o4755 }],
      ['./lib/l', '', { type: 'symlink', linkname: '../run' }],
      ['./hard', '', { type: 'link', linkname: './run' }],
      ['./.git/config', 'secret'],
      ['./empty', ''],
    ];
    const tar = await tarOf(members);
    const { commit, files, skipped } = await store(gzipSync(tar));
    assert.deepEqual([files, skipped], [5, 1]);
    const listed = (await git('ls-tree', '-r', '-z', commit)).split('\0');
    assert.deepEqual(listed.map((line) => line.replace(/ blob \w+\t/, ' ')).sort(), [
      '',
      '100644 Procfile',
      '100644 a "b"\\\nc.txt',
      '100644 empty',
      '100755 hard',
      '100755 run',
      '120000 lib/l',
    ]);
    assert.equal(await git('cat-file', 'blob', `${commit}:hard`), '#!/bin/sh\n');
    assert.equal(await git('log', '--format=%an %P %ct', commit), 'ada  1700000000\n');
    assert.equal(await git('for-each-ref'), '');
    await git('fsck', '--strict', '--no-dangling', commit);
    assert.equal((await store(tar)).commit, commit);
  });

  it('stores the same content again with only a new commit', async () => {
    const tar = await tarOf([
      ['same', 'the same content'],
      ['lib/x', 'x'],
    ]);
    const first = await store(tar);
    const second = await store(tar, { timeMs: 1_700_000_001_000 });
    assert.notEqual(second.commit, first.commit);
    assert.equal(await git('cat-file', 'blob', `${second.commit}:same`), 'the same content');
    assert.equal(await git('ls-tree', '-r', '--name-only', second.commit), 'lib/x\nsame\n');
  });

  it('leaves out the only folder at the top when asked, unless a link would then leave the app', async () => {
    const inFolder: Member[] = [
      ['app-1/Procfile', 'web: x\n'],
      ['app-1/lib/x', 'x'],
    ];
    const { commit } = await store(await tarOf(inFolder), { stripsTop: true });
    assert.equal(await git('ls-tree', '-r', '--name-only', commit), 'Procfile\nlib/x\n');
    const kept = await store(await tarOf([...inFolder, ['README', 'x']]), { stripsTop: true });
    assert.match(await git('ls-tree', '--name-only', kept.commit), /^README\napp-1\n$/);
    const leaving: Member = ['app-1/l', '', { type: 'symlink', linkname: '../outside' }];
    assert.equal(await refusal(await tarOf([...inFolder, leaving]), { stripsTop: true }), 'SLIP_ARCHIVE_LINK');
  });

  it('refuses what is not a whole archive, has no file, is too large or has a bad entry, and leaves nothing behind', async () => {
    const tar = await tarOf([['a', 'x'.repeat(5_000)]]);
    assert.equal(await refusal(Buffer.from('PK\u0003\u0004 a zip file, not a tar'.repeat(50))), 'SLIP_ARCHIVE_FORMAT');
    assert.equal(await refusal(tar.subarray(0, 2_000)), 'SLIP_ARCHIVE_FORMAT');
    assert.equal(await refusal(gzipSync(tar).subarray(0, 40)), 'SLIP_ARCHIVE_FORMAT');
    assert.equal(await refusal(Buffer.alloc(0)), 'SLIP_ARCHIVE_EMPTY');
    assert.equal(await refusal(await tarOf([['.git/config', 'x']])), 'SLIP_ARCHIVE_EMPTY');
    assert.equal(
      await refusal(
        await tarOf([
          ['a', 'x'],
          ['../b', 'x'],
        ]),
      ),
      'SLIP_ARCHIVE_PATH',
    );
    assert.equal(await refusal(await tarOf([['b', '', { type: 'link', linkname: 'a' }]])), 'SLIP_ARCHIVE_LINK');
    assert.equal(await refusal(await tarOf([['b', '', { type: 'fifo' }]])), 'SLIP_ARCHIVE_ENTRY');
    const limit = { maxPackBytes: 20_000 };
    const noise = await tarOf([['noise', randomBytes(40_000)]]);
    assert.equal(await refusal(noise, { limit }), 'SLIP_ARCHIVE_TOO_LARGE');
  });

  it('refuses paths that would fill the memory, although the archive is small', async () => {
    const folders = Array.from({ length: 14 }, () => 'x'.repeat(250)).join('/');
    const members = Array.from({ length: 10_000 }, (_, index): Member => [`${folders}/${String(index)}`, '']);
    const archive = gzipSync(await tarOf(members));
    assert.ok(archive.length < 1024 * 1024);
    assert.equal(await refusal(archive), 'SLIP_ARCHIVE_TOO_LARGE');
  });

  it('ends git when the client leaves', async () => {
    const gone = new AbortController();
    const source = new Readable({ read: () => undefined });
    const stored = store(Buffer.alloc(0), { source, signal: gone.signal });
    source.push((await tarOf([['a', Buffer.alloc(100_000)]])).subarray(0, 50_000));
    gone.abort(new Error('the client left'));
    await assert.rejects(stored, /the client left/);
    assert.deepEqual(
      (await readdir(reposDir)).filter((name) => name.startsWith('.new-')),
      [],
    );
  });
});
