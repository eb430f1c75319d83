import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { pack, type Pack } from 'tar-stream';
import { packPath, unpackTo } from '../../../../cli/ps/copy-files.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-copy-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

type Entry = Parameters<Pack['entry']>[0];

function archive(...entries: readonly (readonly [Entry, string?])[]): PassThrough {
  const tar = pack();
  for (const [header, content = ''] of entries) tar.entry(header, content);
  tar.finalize();
  return tar.pipe(new PassThrough());
}

describe('files that are copied from and to an instance', () => {
  it('are the same after packing and unpacking, with their modes', async (t) => {
    const dir = await folder(t);
    await mkdir(join(dir, 'from/deep'), { recursive: true });
    await writeFile(join(dir, 'from/deep/data'), Buffer.alloc(300_000, 'ä'));
    await writeFile(join(dir, 'from/run.sh'), 'echo hi\n');
    await chmod(join(dir, 'from/run.sh'), 0o755);
    const stream = new PassThrough();
    const [, unpacked] = await Promise.all([
      packPath(join(dir, 'from'), 'top', stream),
      unpackTo(join(dir, 'to'), 'top', stream),
    ]);
    assert.deepEqual(unpacked, { files: 2, skipped: [] });
    assert.deepEqual(await readFile(join(dir, 'to/deep/data')), await readFile(join(dir, 'from/deep/data')));
    assert.equal((await stat(join(dir, 'to/run.sh'))).mode & 0o777, 0o755);
  });

  it('can be a single file, which gets the given name', async (t) => {
    const dir = await folder(t);
    const target = join(dir, 'new/copy.csv');
    for (const content of ['first', 'second']) {
      const unpacked = await unpackTo(target, 'data.csv', archive([{ name: 'data.csv' }, content]));
      assert.deepEqual(unpacked, { files: 1, skipped: [] });
      assert.equal(await readFile(target, 'utf8'), content);
    }
  });

  it('leave out links and devices of the archive', async (t) => {
    const dir = await folder(t);
    const source = archive(
      [{ name: 'top', type: 'directory' }],
      [{ name: 'top/link', type: 'symlink', linkname: '/etc/passwd' }],
      [{ name: 'top/null', type: 'character-device' }],
      [{ name: 'top/file' }, 'content'],
    );
    assert.deepEqual(await unpackTo(join(dir, 'to'), 'top', source), { files: 1, skipped: ['top/link', 'top/null'] });
    await assert.rejects(lstat(join(dir, 'to/link')), { code: 'ENOENT' });
  });

  it('never leave the folder, whatever paths an archive has', async (t) => {
    const dir = await folder(t);
    for (const name of ['top/../../evil', 'other/evil', '../evil', 'top/a/../../../evil']) {
      const unpacking = unpackTo(join(dir, 'to'), 'top', archive([{ name }, 'evil']));
      await assert.rejects(unpacking, { code: 'SLIP_COPY_PATH' }, name);
    }
    await assert.rejects(lstat(join(dir, 'evil')), { code: 'ENOENT' });
  });

  it('are not written through links that are on this machine already', async (t) => {
    const dir = await folder(t);
    await mkdir(join(dir, 'to'));
    await mkdir(join(dir, 'elsewhere'));
    await symlink(join(dir, 'elsewhere'), join(dir, 'to/linked'));
    await symlink(join(dir, 'elsewhere/file'), join(dir, 'to/file'));
    for (const name of ['top/linked/file', 'top/file'])
      await assert.rejects(unpackTo(join(dir, 'to'), 'top', archive([{ name }, 'evil'])), { code: 'SLIP_COPY_PATH' });
    await assert.rejects(lstat(join(dir, 'elsewhere/file')), { code: 'ENOENT' });
  });
});
