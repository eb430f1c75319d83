import assert from 'node:assert/strict';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { createImageStore } from '../../controller/build/image-store.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { openLab } from '../support/image-lab.ts';
import { describeImageStore, digestOf } from './image-store.ts';

const never = new AbortController().signal;
const MEBIBYTE = 1024 * 1024;

describeImageStore('on disk', async () => {
  const lab = await openLab('store');
  return {
    store: createImageStore({ dir: join(lab.dir, 'images') }),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
});

describe('image store on disk', () => {
  it('refuses before writing when the disk is nearly full, naming folder and room', async () => {
    await using lab = await openLab('store');
    const space = { freeBytes: 255 * MEBIBYTE, totalBytes: 1e12, freeInodes: 1e6, totalInodes: 1e6 };
    const store = createImageStore({ dir: lab.dir }, { readDiskSpace: () => Promise.resolve(space) });
    const bytes = Buffer.from('x');
    await assert.rejects(
      store.put(digestOf(bytes), Readable.from([bytes]), never),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'SLIP_DISK_FULL');
        assert.match(error.message, new RegExp(`255 MB free under ${lab.dir}`));
        return true;
      },
    );
    space.freeBytes = 0.03 * space.totalBytes;
    await store.put(digestOf(bytes), Readable.from([bytes]), never);
  });

  it('leaves nothing behind when the disk fills up in the middle, and works again afterwards', async () => {
    await using lab = await openLab('store');
    const dir = join(lab.dir, 'small');
    await mkdir(dir);
    if (process.getuid?.() !== 0) return;
    await runOk(run, { file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir] });
    const store = createImageStore({ dir, diskReserve: { bytes: 0, share: 0 } });
    const [large, small] = [Buffer.alloc(3 * MEBIBYTE, 1), Buffer.alloc(1 * MEBIBYTE, 2)];
    await assert.rejects(store.put(digestOf(large), Readable.from([large]), never), { code: 'SLIP_DISK_FULL' });
    assert.deepEqual(await readdir(join(dir, 'incoming')), []);
    await store.put(digestOf(small), Readable.from([small]), never);
    assert.equal((await stat(join(dir, `${digestOf(small).slice(7)}.sqfs`))).mode & 0o777, 0o644);
  });

  it('takes no layer over the limit', async () => {
    await using lab = await openLab('store');
    const store = createImageStore({ dir: lab.dir, maxImageBytes: 1000 });
    const bytes = Buffer.alloc(1001);
    await assert.rejects(store.put(digestOf(bytes), Readable.from([bytes]), never), { code: 'SLIP_IMAGE_TOO_LARGE' });
  });

  it('removes unfinished uploads of an earlier process', async () => {
    await using lab = await openLab('store');
    const store = createImageStore({ dir: lab.dir });
    await store.sweep();
    await writeFile(join(lab.dir, 'incoming', 'half'), 'x');
    await store.sweep();
    assert.deepEqual(await readdir(join(lab.dir, 'incoming')), []);
  });
});
