import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { commitFile, ensureDir, readFileIfExists, writeFileAtomic } from '../../../../shared/kit/atomic-file.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slipway-atomic-'));
});
after(() => rm(dir, { recursive: true, force: true }));

test('a file is replaced whole, with the mode asked for', async () => {
  const path = join(dir, 'state.json');
  await writeFileAtomic(path, 'one', 0o600);
  await writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]), 0o640);
  assert.equal(await readFile(path, 'utf8'), 'two');
  assert.equal((await stat(path)).mode & 0o777, 0o640);
  assert.deepEqual(await readdir(dir), ['state.json']);
});

test('the mode does not depend on the umask', async () => {
  const before = process.umask(0o077);
  try {
    await writeFileAtomic(join(dir, 'open'), 'x', 0o644);
  } finally {
    process.umask(before);
  }
  assert.equal((await stat(join(dir, 'open'))).mode & 0o777, 0o644);
});

test('a failed write leaves the old file and nothing else', async () => {
  const folder = join(dir, 'taken');
  await ensureDir(join(folder, 'target/inside'));
  await assert.rejects(writeFileAtomic(join(folder, 'target'), 'x'));
  assert.deepEqual(await readdir(folder), ['target']);
  await assert.rejects(writeFileAtomic(join(dir, 'missing/folder/file'), 'x'));
});

test('a link is replaced, not written through', async () => {
  await writeFile(join(dir, 'real'), 'untouched');
  await symlink('real', join(dir, 'link'));
  await writeFileAtomic(join(dir, 'link'), 'new');
  assert.equal(await readFile(join(dir, 'real'), 'utf8'), 'untouched');
  assert.equal(await readFile(join(dir, 'link'), 'utf8'), 'new');
});

test('many writers leave one whole value', async () => {
  const path = join(dir, 'contended');
  const values = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000));
  await Promise.all(values.map((value) => writeFileAtomic(path, value)));
  assert.ok(values.includes(await readFile(path, 'utf8')));
});

test('a finished file moves into place', async () => {
  await writeFile(join(dir, 'image.tmp'), 'image');
  await commitFile(join(dir, 'image.tmp'), join(dir, 'image'));
  assert.equal(await readFileIfExists(join(dir, 'image')), 'image');
  assert.equal(await readFileIfExists(join(dir, 'image.tmp')), undefined);
});

test('only a missing file reads as absent', async () => {
  assert.equal(await readFileIfExists(join(dir, 'nowhere')), undefined);
  await assert.rejects(readFileIfExists(dir), /EISDIR/);
});
