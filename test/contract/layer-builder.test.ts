import assert from 'node:assert/strict';
import { chmod, cp, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { NodeImages } from '../../agent/images/port.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { openLab, writeTree, type Lab } from '../support/image-lab.ts';
import { APP_ID, BUNDLE, digests, MODULES, openWorkshop, request, TREE } from './layer-workshop.ts';

async function list(images: NodeImages, layer: Layer): Promise<readonly string[]> {
  const { stdout } = await runOk(run, { file: 'unsquashfs', args: ['-UTC', '-lls', images.path(layer.digest)] });
  return stdout.trimEnd().split('\n');
}

describe('layers of a tree', () => {
  it('are the declared folders at their own paths, and the rest with odd names and all', async () => {
    await using lab = await openLab('layers');
    const { builder, images } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    const layers = await builder.cut(await request(lab));
    assert.deepEqual(
      layers.map(({ name, shared }) => [name, shared]),
      [
        ['dependencies', false],
        ['bundle', true],
        ['app', false],
      ],
    );
    const [dependencies, bundle, app] = await Promise.all(layers.map((layer) => list(images, layer)));
    assert.equal(dependencies!.length, 7);
    assert.match(dependencies!.at(-1)!, /root\/root .* 1980-01-01 00:00 squashfs-root\/node_modules\/m\/cli.js$/);
    assert.match(bundle!.at(-1)!, /squashfs-root\/vendor\/my bundle\/gem$/);
    assert.match(
      app!.find((line) => line.endsWith('server.js'))!,
      /2026-11-20 00:00/,
    );
    const names = app!.join('\n');
    for (const path of Object.keys(TREE)) assert.equal(names.includes(path), !/node_modules|gem/.test(path), path);
    assert.match(names, /squashfs-root\/vendor\/my bundle$/m);
    assert.doesNotMatch(names, /node_modules\//);
  });

  it('have no set-user-id and set-group-id bits', async () => {
    await using lab = await openLab('layers');
    const { builder, images } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    for (const name of ['server.js', 'node_modules/m/cli.js', 'node_modules/m'])
      await chmod(join(lab.dir, 'tree', name), 0o6755);
    const layers = await builder.cut(await request(lab));
    const lines = (await Promise.all(layers.map((layer) => list(images, layer)))).flat();
    assert.match(
      lines.find((line) => line.endsWith('server.js'))!,
      /^-rwxr-xr-x /,
    );
    assert.deepEqual(
      lines.filter((line) => /^\S*[sS]/.test(line.split(' ')[0]!)),
      [],
    );
  });

  it('have the same digests from a copy with other times, owners, hard links and order', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    await writeTree(join(lab.dir, 'other'), Object.fromEntries(Object.entries(TREE).toReversed()));
    await utimes(join(lab.dir, 'other/server.js'), 1, 1);
    await runOk(run, { file: 'ln', args: ['-f', join(lab.dir, 'other/server.js'), join(lab.dir, 'upper-link')] });
    if (process.getuid?.() === 0)
      await runOk(run, { file: 'chown', args: ['-R', '12345:54321', join(lab.dir, 'other')] });
    const first = await builder.cut(await request(lab));
    const second = await builder.cut(await request(lab, { appDir: join(lab.dir, 'other') }));
    assert.deepEqual(digests(second), digests(first));
  });

  it('is one layer when nothing is declared, or nothing declared exists', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), {
      'server.js': 'v1',
      target: 'a file',
      link: { link: '.' },
      empty: { dir: true },
    });
    const bare = await builder.cut(await request(lab, { declared: [] }));
    const absent = ['none', 'target', 'link', 'link/link', 'empty', 'target/below'];
    const declared = absent.map((path, index) => ({ ...MODULES, path, name: `layer${'abcdefgh'.charAt(index)}` }));
    assert.deepEqual(await builder.cut(await request(lab, { declared })), bare);
    assert.equal(bare.length, 1);
  });

  it('take a folder inside another declared folder along with the outer one', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    const inner = { ...MODULES, name: 'inner', path: 'node_modules/m' };
    const layers = await builder.cut(await request(lab, { declared: [inner, MODULES] }));
    assert.deepEqual(
      layers.map((layer) => layer.name),
      ['dependencies', 'app'],
    );
  });
});

describe('a layer that the build did not touch', () => {
  it('is reused unread, found by its key, and is the one that packing again would give', async () => {
    await using lab = await openLab('layers');
    const { builder, packed } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    const first = await builder.cut(await request(lab));
    const reused = await builder.cached(APP_ID, [MODULES, BUNDLE]);
    assert.deepEqual(
      reused.map((each) => each.layer),
      first.slice(0, 2),
    );
    assert.deepEqual(await builder.cached(APP_ID, [{ ...MODULES, key: 'lock-2' }]), []);
    assert.deepEqual(await builder.cached('app00002' as AppId, [MODULES]), []);
    await writeFile(join(lab.dir, 'tree/server.js'), 'v2');
    packed.length = 0;
    const second = await builder.cut(await request(lab, { reused }));
    assert.equal(packed.length, 1);
    assert.deepEqual(digests(second).slice(0, 2), digests(first).slice(0, 2));
    assert.notEqual(second[2]!.digest, first[2]!.digest);
    assert.deepEqual(digests(await builder.cut(await request(lab))), digests(second));
  });

  it('is packed again when this machine has no image of it', async () => {
    await using lab = await openLab('layers');
    const { builder, images, packed } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    const first = await builder.cut(await request(lab));
    const reused = await builder.cached(APP_ID, [MODULES]);
    await rm(images.path(first[0]!.digest));
    assert.deepEqual(await builder.cached(APP_ID, [MODULES]), []);
    packed.length = 0;
    assert.deepEqual(digests(await builder.cut(await request(lab, { reused }))), digests(first));
    assert.equal(packed.length, 3);
  });
});

describe('layers of an overlay', () => {
  const overlayOn = async (lab: Lab, lower: string): Promise<{ appDir: string; upperDir: string }> => {
    const [upperDir, work, appDir] = ['o/upper', 'o/work', 'o/merged'].map((name) => join(lab.dir, name)) as [
      string,
      string,
      string,
    ];
    for (const dir of [upperDir, work, appDir]) await mkdir(dir, { recursive: true });
    const options = `lowerdir=${lower},upperdir=${upperDir},workdir=${work}`;
    await runOk(run, { file: 'mount', args: ['-t', 'overlay', 'overlay', '-o', options, appDir] });
    return { appDir, upperDir };
  };

  it('are those of a plain folder with the same files, after any writes, deletions and replacements', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'lower'), { ...TREE, 'node_modules/gone': 'x', old: 'y', 'was/dir': 'z' });
    const { appDir, upperDir } = await overlayOn(lab, join(lab.dir, 'lower'));
    for (const path of ['node_modules/gone', 'old', 'was', 'vendor/my bundle'])
      await rm(join(appDir, path), { recursive: true });
    await writeTree(appDir, {
      was: 'now a file',
      'vendor/my bundle/gem': 'f',
      'server.js': 'v2',
      'node_modules/m/cli.js': 'g',
    });
    await cp(appDir, join(lab.dir, 'tree'), { recursive: true, verbatimSymlinks: true });
    const plain = await builder.cut(await request(lab));
    assert.deepEqual(digests(await builder.cut(await request(lab, { appDir, upperDir }))), digests(plain));
  });

  it('are reused by what the upper folder shows: untouched, touched, written, deleted in, replaced', async () => {
    await using lab = await openLab('layers');
    const { builder, packed } = await openWorkshop(lab);
    const lower = join(lab.dir, 'tree');
    await writeTree(lower, TREE);
    const before = await builder.cut(await request(lab, { declared: [MODULES] }));
    const reused = await builder.cached(APP_ID, [MODULES]);
    const { appDir, upperDir } = await overlayOn(lab, lower);
    const cutAgain = async (): Promise<{ same: boolean; packedCount: number }> => {
      packed.length = 0;
      const layers = await builder.cut(await request(lab, { appDir, upperDir, declared: [MODULES], reused }));
      return { same: layers[0]!.digest === before[0]!.digest, packedCount: packed.length };
    };
    const modules = join(appDir, 'node_modules');
    await writeFile(join(appDir, 'server.js'), 'v2');
    assert.deepEqual(await cutAgain(), { same: true, packedCount: 1 });
    await runOk(run, { file: 'chmod', args: ['700', modules] });
    assert.deepEqual(await cutAgain(), { same: true, packedCount: 1 });
    await writeFile(join(modules, 'm/cli.js'), 'changed');
    assert.deepEqual(await cutAgain(), { same: false, packedCount: 2 });
    await writeFile(join(modules, 'm/cli.js'), 'g');
    assert.deepEqual(await cutAgain(), { same: true, packedCount: 2 });
    await rm(modules, { recursive: true });
    await writeTree(appDir, { 'node_modules/.package-lock.json': 'h' });
    assert.deepEqual(await cutAgain(), { same: false, packedCount: 2 });
    await rm(modules, { recursive: true });
    await mkdir(modules);
    assert.deepEqual(await cutAgain(), { same: false, packedCount: 1 });
  });
});
