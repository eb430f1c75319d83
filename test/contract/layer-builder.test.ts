import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLayerBuilder } from '../../agent/build/layers/layer-builder.ts';
import type { CutRequest, DeclaredLayer, LayerBuilder } from '../../agent/build/layers/port.ts';
import type { NodeImages } from '../../agent/images/images.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { run, runOk, type Command, type Run } from '../../shared/kit/exec.ts';
import { openLab, writeTree, type Lab, type Tree } from '../support/image-lab.ts';
import { openImages } from './images.ts';

const APP_ID = 'app00001' as AppId;
const COMMIT_TIME_MS = Date.UTC(2026, 10, 20);
const MODULES: DeclaredLayer = { name: 'dependencies', path: 'node_modules', key: 'lock-1', shared: false };
const BUNDLE: DeclaredLayer = { name: 'bundle', path: 'vendor/my bundle', key: 'gems-1', shared: true };
const TREE: Tree = {
  'server.js': 'v1',
  'new\nline': 'a',
  '-dash': 'b',
  'sp ace [x]*?\\': 'c',
  ünï: 'd',
  link: { link: '/etc/passwd' },
  'vendor/own': 'e',
  'vendor/my bundle/gem': 'f',
  'node_modules/.bin/tool': { link: '../m/cli.js' },
  'node_modules/m/cli.js': 'g',
  'node_modules/.package-lock.json': 'h',
};

interface Workshop {
  readonly lab: Lab;
  readonly images: NodeImages;
  readonly builder: LayerBuilder;
  /** Command lines of mksquashfs so far. */
  readonly packed: string[];
}

async function openWorkshop(lab: Lab): Promise<Workshop> {
  const { images, stateDir } = await openImages(lab, { mode: process.getuid?.() === 0 ? 'mount' : 'extract' });
  const packed: string[] = [];
  const recording: Run = async (command: Command) => {
    if (command.args.includes('mksquashfs')) packed.push(command.args.join(' '));
    return await run(command);
  };
  return { lab, images, packed, builder: createLayerBuilder({ stateDir }, { images, run: recording }) };
}

async function request(lab: Lab, changes: Partial<CutRequest> = {}): Promise<CutRequest> {
  const upperDir = join(lab.dir, 'upper');
  await mkdir(upperDir, { recursive: true });
  return {
    appId: APP_ID,
    appDir: join(lab.dir, 'tree'),
    upperDir,
    declared: [MODULES, BUNDLE],
    reused: [],
    commitTimeMs: COMMIT_TIME_MS,
    slugLimitBytes: 1e9,
    treeLimits: { bytes: 1e10, entries: 1e6 },
    memoryBytes: 2e9,
    signal: new AbortController().signal,
    ...changes,
  };
}

async function list(images: NodeImages, layer: Layer): Promise<readonly string[]> {
  const { stdout } = await runOk(run, { file: 'unsquashfs', args: ['-UTC', '-lls', images.path(layer.digest)] });
  return stdout.trimEnd().split('\n');
}

const digests = (layers: readonly Layer[]): readonly string[] => layers.map((layer) => layer.digest);

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
    for (const name of ['server.js', 'node_modules/m/cli.js', 'node_modules/m']) await chmod(join(lab.dir, 'tree', name), 0o6755);
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
    if (process.getuid?.() === 0) await runOk(run, { file: 'chown', args: ['-R', '12345:54321', join(lab.dir, 'other')] });
    const first = await builder.cut(await request(lab));
    const second = await builder.cut(await request(lab, { appDir: join(lab.dir, 'other') }));
    assert.deepEqual(digests(second), digests(first));
  });

  it('is one layer when nothing is declared, or nothing declared exists', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), { 'server.js': 'v1', target: 'a file', link: { link: '.' }, empty: { dir: true } });
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

  it('is packed again when its image is gone from this machine', async () => {
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

describe('a cut that cannot be', () => {
  it('is refused before anything is packed when a declaration makes no sense', async () => {
    await using lab = await openLab('layers');
    const { builder, packed } = await openWorkshop(lab);
    const paths = ['', '/etc', '../x', 'a/../b', 'a//b', './a', 'a\nb', '.'];
    const wrong = [
      ...paths.map((path) => [{ ...MODULES, path }]),
      [{ ...MODULES, name: 'app' }],
      [{ ...MODULES, key: '' }],
      [MODULES, MODULES],
      [MODULES, { ...MODULES, name: 'other' }],
    ];
    for (const declared of wrong) await assert.rejects(builder.cut(await request(lab, { declared })), { code: 'SLIP_BUILD_LAYER' });
    assert.deepEqual(packed, []);
  });

  it('ends at the slug limit, in one layer or in their sum, and leaves nothing behind', async () => {
    await using lab = await openLab('layers');
    const { builder, images } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), { 'node_modules/a': randomBytes(60_000), b: randomBytes(60_000) });
    for (const slugLimitBytes of [10_000, 100_000]) {
      await assert.rejects(builder.cut(await request(lab, { slugLimitBytes })), { code: 'SLIP_SLUG_TOO_LARGE' });
      assert.deepEqual(await readdir(join(lab.dir, 'state/layers/tmp')), []);
    }
    const layers = await builder.cut(await request(lab, { slugLimitBytes: 200_000 }));
    assert.deepEqual(await Promise.all(layers.map((layer) => images.has(layer.digest))), [true, true]);
  });

  it('ends with the reason it was cancelled for', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), { big: randomBytes(30_000_000) });
    const stop = new AbortController();
    const cutting = builder.cut(await request(lab, { signal: stop.signal }));
    stop.abort(new Error('the pusher left'));
    await assert.rejects(cutting, /the pusher left/);
  });
});

describe('layers of an overlay', () => {
  const overlayOn = async (lab: Lab, lower: string): Promise<{ appDir: string; upperDir: string }> => {
    const [upperDir, work, appDir] = ['o/upper', 'o/work', 'o/merged'].map((name) => join(lab.dir, name)) as [string, string, string];
    for (const dir of [upperDir, work, appDir]) await mkdir(dir, { recursive: true });
    const options = `lowerdir=${lower},upperdir=${upperDir},workdir=${work}`;
    await runOk(run, { file: 'mount', args: ['-t', 'overlay', 'overlay', '-o', options, appDir] });
    return { appDir, upperDir };
  };

  it('are those of a plain folder with the same files, whatever was written, deleted and replaced on the way', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'lower'), { ...TREE, 'node_modules/gone': 'x', old: 'y', 'was/dir': 'z' });
    const { appDir, upperDir } = await overlayOn(lab, join(lab.dir, 'lower'));
    for (const path of ['node_modules/gone', 'old', 'was', 'vendor/my bundle']) await rm(join(appDir, path), { recursive: true });
    await writeTree(appDir, { was: 'now a file', 'vendor/my bundle/gem': 'f', 'server.js': 'v2', 'node_modules/m/cli.js': 'g' });
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

describe('a tree that is small on its disk and endless to read', () => {
  const hostile: readonly (readonly [string, string, { readonly code: string; readonly message: RegExp }])[] = [
    ['a sparse file', 'truncate -s 1T big', { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /holds more than 1\.0 GB when it is read/ }],
    [
      'a file with many names',
      'truncate -s 100M big; for i in $(seq 20); do ln big "big $i"; done',
      { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /holds more than 1\.0 GB when it is read/ },
    ],
    ['many names of nothing', 'touch $(seq 1200)', { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /has more than 1000 files and folders/ }],
    [
      'folders nested deeper than a path may be long',
      `perl -e 'for (1..60) { mkdir "x" x 250 or die; chdir "x" x 250 or die }'`,
      { code: 'SLIP_BUILD_PATH_TOO_LONG', message: /longer than 4095 bytes/ },
    ],
  ];
  for (const [what, script, refusal] of hostile) {
    it(`is refused with its limit: ${what}`, async () => {
      await using lab = await openLab('layers');
      const { builder, packed } = await openWorkshop(lab);
      await writeTree(join(lab.dir, 'tree'), { 'server.js': 'v1' });
      await runOk(run, { file: 'sh', args: ['-c', script], cwd: join(lab.dir, 'tree') });
      const treeLimits = { bytes: 1024 ** 3, entries: 1000 };
      await assert.rejects(builder.cut(await request(lab, { treeLimits })), refusal);
      if (refusal.code === 'SLIP_BUILD_TREE_TOO_LARGE') assert.deepEqual(packed, []);
      await runOk(run, { file: 'rm', args: ['-rf', join(lab.dir, 'tree')] });
    });
  }

  it('may hold a reused layer of any size, which is not read', async () => {
    await using lab = await openLab('layers');
    const { builder } = await openWorkshop(lab);
    await writeTree(join(lab.dir, 'tree'), TREE);
    await builder.cut(await request(lab));
    const reused = await builder.cached(APP_ID, [MODULES, BUNDLE]);
    for (const path of ['node_modules', 'vendor/my bundle']) {
      await runOk(run, { file: 'truncate', args: ['-s', '1T', join(lab.dir, 'tree', path, 'sparse')] });
    }
    const treeLimits = { bytes: 1024 ** 3, entries: 1000 };
    const layers = await builder.cut(await request(lab, { treeLimits, reused }));
    assert.deepEqual(
      digests(layers).slice(0, 2),
      reused.map((each) => each.layer.digest),
    );
  });

  it('that cannot be packed in time is stopped, and the next build gets its turn', async () => {
    await using lab = await openLab('layers');
    const { images, stateDir } = await openImages(lab, { mode: process.getuid?.() === 0 ? 'mount' : 'extract' });
    const builder = createLayerBuilder({ stateDir, packTimeoutMs: 500 }, { images });
    const endless: Run = (command) => run({ ...command, file: 'sleep', args: ['86420'] });
    await writeTree(join(lab.dir, 'tree'), TREE);
    const told = { code: 'SLIP_BUILD_PACK_TIMEOUT', message: 'Packing the slug took longer than 0.5 s and was stopped.' };
    await assert.rejects(builder.cut(await request(lab, { run: endless })), told);
    // Its turn has come, or this would wait for ever.
    await assert.rejects(builder.cut(await request(lab, { treeLimits: { bytes: 1, entries: 1 } })), { code: 'SLIP_BUILD_TREE_TOO_LARGE' });
  });
});
