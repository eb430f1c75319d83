import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLayerBuilder } from '../../agent/build/layers/layer-builder.ts';
import { run, runOk, type Run } from '../../shared/kit/exec.ts';
import { openLab, writeTree } from '../support/image-lab.ts';
import { openImages } from './images.ts';
import { APP_ID, BUNDLE, digests, MODULES, openWorkshop, request, TREE } from './layer-workshop.ts';

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
    for (const declared of wrong)
      await assert.rejects(builder.cut(await request(lab, { declared })), { code: 'SLIP_BUILD_LAYER' });
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

describe('a tree that is small on its disk and endless to read', () => {
  const hostile: readonly (readonly [string, string, { readonly code: string; readonly message: RegExp }])[] = [
    [
      'a sparse file',
      'truncate -s 1T big',
      { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /contains more than 1\.0 GB/ },
    ],
    [
      'a file with many names',
      'truncate -s 100M big; for i in $(seq 20); do ln big "big $i"; done',
      { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /contains more than 1\.0 GB/ },
    ],
    [
      'many names of nothing',
      'touch $(seq 1200)',
      { code: 'SLIP_BUILD_TREE_TOO_LARGE', message: /has more than 1000 files and folders/ },
    ],
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
    const told = {
      code: 'SLIP_BUILD_PACK_TIMEOUT',
      message: 'Packing the slug took longer than 0.5 s and was stopped.',
    };
    await assert.rejects(builder.cut(await request(lab, { run: endless })), told);
    // Each of these failures happens in its turn. On a busy machine the time limit can come first.
    const second = builder.cut(await request(lab, { treeLimits: { bytes: 1, entries: 1 } }));
    await assert.rejects(second, { code: /^SLIP_BUILD_(TREE_TOO_LARGE|PACK_TIMEOUT)$/ });
  });
});
