import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createImages } from '../../agent/images/images.ts';
import type { NodeImages } from '../../agent/images/port.ts';
import type { ImagesConfig } from '../../agent/images/config.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { eventually } from '../support/eventually.ts';
import { FakeTransport, makeImage, openLab, type Lab } from '../support/image-lab.ts';

const never = new AbortController().signal;
const UID_BASE = 0x2000_0000;
const instant: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: () => Promise.resolve(),
};

export interface Bench {
  readonly lab: Lab;
  readonly images: NodeImages;
  readonly transport: FakeTransport;
  readonly stateDir: string;
}

export async function openImages(lab: Lab, config: Partial<ImagesConfig> & Pick<ImagesConfig, 'mode'>): Promise<Bench> {
  const transport = new FakeTransport();
  const stateDir = join(lab.dir, 'state');
  const images = createImages(
    { stateDir, budgetBytes: 1e9, graceMs: 0, copyUpToBytes: 0, ...config },
    { transport, clock: instant },
  );
  lab.beforeEnd(() => images.settled());
  await images.ensureHost();
  return { lab, images, transport, stateDir };
}

/** What every image store of an agent promises, however it makes layers readable. */
export function describeImages(kind: string, config: Pick<ImagesConfig, 'mode' | 'ownership'>): void {
  const bench = async (lab: Lab, more: Partial<ImagesConfig> = {}): Promise<Bench> =>
    await openImages(lab, { ...config, ...more });

  describe(`images, ${kind}: fetching`, () => {
    it('fetches a missing layer once for callers at the same time, whole and readable by all', async () => {
      await using lab = await openLab('images');
      const { images, transport } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      await Promise.all([images.ensure([layer], never), images.ensure([layer, layer], never)]);
      assert.deepEqual(transport.offsets, [0]);
      assert.deepEqual(await readFile(images.path(layer.digest)), await readFile(path));
      assert.equal((await stat(images.path(layer.digest))).mode & 0o777, 0o644);
      await images.ensure([layer], never);
      assert.deepEqual(transport.offsets, [0]);
    });

    it('goes on where a broken connection left off', async () => {
      await using lab = await openLab('images');
      const { images, transport } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      transport.faults = [{ break: 100 }, { break: 50 }];
      await images.ensure([layer], never);
      assert.deepEqual(transport.offsets, [0, 100, 150]);
    });

    it('starts again after a damaged transfer, and fails after three tries', async () => {
      await using lab = await openLab('images');
      const { images, transport, stateDir } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      transport.faults = ['damage', 'excess', 'damage', 'none'];
      await assert.rejects(images.ensure([layer], never), { code: 'SLIP_IMAGE_DIGEST' });
      assert.deepEqual(transport.offsets, [0, 0, 0]);
      assert.equal(await images.has(layer.digest), false);
      assert.deepEqual(await readdir(join(stateDir, 'images', 'partial')), []);
      await images.ensure([layer], never);
    });

    it('does not ask again for a layer that the controller does not have', async () => {
      await using lab = await openLab('images');
      const { images, transport } = await bench(lab);
      const { layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await assert.rejects(images.ensure([layer], never), { code: 'SLIP_IMAGE_NOT_FOUND' });
      assert.deepEqual(transport.offsets, [0]);
    });

    it('stops the transfer when the last caller gives up, and not before', async () => {
      await using lab = await openLab('images');
      const { images, transport } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      transport.faults = [{ hang: 100 }];
      const [first, second] = [new AbortController(), new AbortController()];
      const both = [images.ensure([layer], first.signal), images.ensure([layer], second.signal)];
      await eventually('the transfer runs', () => transport.offsets.length === 1);
      first.abort(new Error('first left'));
      await assert.rejects(both[0]!, /first left/);
      second.abort(new Error('second left'));
      await assert.rejects(both[1]!, /second left/);
      await images.ensure([layer], never);
      assert.equal(await images.has(layer.digest), true);
    });

    it('says which disk is full and how much is free, without three tries', async () => {
      await using lab = await openLab('images');
      const { images, transport, stateDir } = await bench(lab, { diskReserve: { bytes: 0, share: 1 } });
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      await assert.rejects(images.ensure([layer], never), (error: Error & { code: string }) => {
        assert.equal(error.code, 'SLIP_DISK_FULL');
        assert.match(error.message, new RegExp(`\\d+ MB free under ${stateDir}`));
        return true;
      });
      assert.deepEqual(transport.offsets, []);
    });
  });

  describe(`images, ${kind}: on disk`, () => {
    it('takes a local image in by moving it', async () => {
      await using lab = await openLab('images');
      const { images } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      assert.deepEqual(await images.adopt(path), { digest: layer.digest, sizeBytes: layer.sizeBytes });
      await assert.rejects(stat(path), { code: 'ENOENT' });
      await images.ensure([layer], never);
    });

    it('mounts a layer once and finds it again after a restart', async () => {
      await using lab = await openLab('images');
      const { images, transport, stateDir } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await images.adopt(path);
      const [dir, again] = await Promise.all([images.mount(layer, UID_BASE), images.mount(layer, UID_BASE)]);
      assert.equal(dir, again);
      assert.equal(await readFile(join(dir, 'server.js'), 'utf8'), 'hello');
      const { ino } = await stat(join(dir, 'server.js'));
      const restarted = createImages({ stateDir, budgetBytes: 1e9, ...config }, { transport });
      await restarted.ensureHost();
      assert.equal(await restarted.mount(layer, UID_BASE), dir);
      assert.equal((await stat(join(dir, 'server.js'))).ino, ino);
    });

    it('replaces an image of the wrong size, and one that cannot be mounted', async () => {
      await using lab = await openLab('images');
      const { images, transport } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      await images.adopt(path);
      await truncate(images.path(layer.digest), 100);
      await images.ensure([layer], never);
      await writeFile(images.path(layer.digest), Buffer.alloc(layer.sizeBytes));
      const dir = await images.mount(layer, UID_BASE);
      assert.equal(await readFile(join(dir, 'server.js'), 'utf8'), 'hello');
      assert.equal(transport.offsets.length, 2);
    });

    it('checks the content of an older image at its first use and replaces a damaged one', async () => {
      await using lab = await openLab('images');
      const { transport, stateDir } = await bench(lab);
      const { path, layer } = await makeImage(lab.dir, 'a', { 'server.js': 'hello' });
      await transport.add(path);
      const later = createImages({ stateDir, budgetBytes: 1e9, ...config }, { transport });
      await later.ensureHost();
      await writeFile(later.path(layer.digest), Buffer.alloc(layer.sizeBytes));
      await later.ensure([layer], never);
      await later.settled();
      assert.deepEqual(await readFile(later.path(layer.digest)), transport.images.get(layer.digest));
    });
  });

  describe(`images, ${kind}: garbage`, () => {
    it('deletes the least recently used images beyond the budget, never used or kept ones', async () => {
      await using lab = await openLab('images');
      const { images } = await bench(lab, { budgetBytes: 0 });
      const layers = await Promise.all(['a', 'b', 'c'].map(async (name) => await adopted(lab, images, name)));
      const [used, kept, free] = layers as [Layer, Layer, Layer];
      await images.mount(used, UID_BASE);
      await images.mount(free, UID_BASE);
      await images.collectGarbage(new Set([used.digest]), new Set([kept.digest]));
      assert.deepEqual(await Promise.all(layers.map((layer) => images.has(layer.digest))), [true, true, false]);
      assert.equal(await readFile(join(await images.mount(used, UID_BASE), 'name'), 'utf8'), 'a');
    });

    it('has nothing to collect where nothing was ever stored', async () => {
      await using lab = await openLab('images');
      const images = createImages(
        { stateDir: join(lab.dir, 'new'), budgetBytes: 0, ...config },
        { transport: new FakeTransport() },
      );
      await images.collectGarbage(new Set(), new Set());
    });

    it('keeps everything that fits, and recently used images', async () => {
      await using lab = await openLab('images');
      const { images } = await bench(lab, { budgetBytes: 0, graceMs: 60_000 });
      const layer = await adopted(lab, images, 'a');
      const dir = await images.mount(layer, UID_BASE);
      await images.collectGarbage(new Set(), new Set());
      assert.equal(await readFile(join(dir, 'name'), 'utf8'), 'a');
    });
  });
}

async function adopted(lab: Lab, images: NodeImages, name: string): Promise<Layer> {
  await mkdir(lab.dir, { recursive: true });
  const { path, layer } = await makeImage(lab.dir, name, { name });
  await images.adopt(path);
  return layer;
}
