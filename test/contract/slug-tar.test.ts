import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import { digestFile } from '../../agent/images/file-digest.ts';
import { exportSlug, importSlug, type ImportRequest } from '../../agent/build/layers/slug-tar.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { openLab, writeTree, type Lab } from '../support/image-lab.ts';

type Entry = Partial<Header> & { readonly name: string; readonly body?: string };

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { body, ...header } of entries) {
    if (header.type === undefined) tar.entry(header, body ?? '');
    else tar.entry(header);
  }
  tar.finalize();
  return await buffer(tar);
}

function importRequest(lab: Lab, changes: Partial<ImportRequest> = {}): ImportRequest {
  const limits = { unpackedLimitBytes: 1e8, imageLimitBytes: 1e8 };
  const options = { output: join(lab.dir, 'out.sqfs'), mtimeMs: 0, processors: 1, memoryMebibytes: 64 };
  return { ...options, ...limits, signal: new AbortController().signal, ...changes };
}

async function unpacked(lab: Lab, image: string): Promise<string> {
  await runOk(run, { file: 'unsquashfs', args: ['-q', '-n', '-d', join(lab.dir, 'unpacked'), image] });
  const { stdout } = await runOk(run, {
    file: 'find',
    args: ['.', '-printf', '%P %y %m %l\n'],
    cwd: join(lab.dir, 'unpacked'),
  });
  return stdout.split('\n').sort().join('\n').trim();
}

describe('a slug as a tar', () => {
  it('holds the layers as one ./app, the topmost file winning', async () => {
    await using lab = await openLab('slug');
    await writeTree(join(lab.dir, 'deps'), { 'node_modules/m': 'm', shared: 'below' });
    await writeTree(join(lab.dir, 'app'), {
      'a b': 'a',
      shared: 'above',
      node_modules: { dir: true, mode: 0o700 },
      link: { link: '/etc/x' },
    });
    const slug = join(lab.dir, 'slug.tgz');
    await pipeline(exportSlug([join(lab.dir, 'deps'), join(lab.dir, 'app')]), createWriteStream(slug));
    await mkdir(join(lab.dir, 'x'));
    await runOk(run, { file: 'tar', args: ['xzf', slug, '-C', join(lab.dir, 'x')] });
    const { stdout } = await runOk(run, {
      file: 'find',
      args: ['.', '-printf', '%p %y %m %l\n'],
      cwd: join(lab.dir, 'x'),
    });
    const lines = stdout.split('\n').filter((line) => line.startsWith('./app/'));
    assert.deepEqual(lines.sort(), [
      './app/a b f 644 ',
      './app/link l 777 /etc/x',
      './app/node_modules d 700 ',
      './app/node_modules/m f 644 ',
      './app/shared f 644 ',
    ]);
    const { stdout: content } = await runOk(run, { file: 'cat', args: [join(lab.dir, 'x/app/shared')] });
    assert.equal(content, 'above');
  });

  it('comes back as a layer with the same files, and the same digest every time', async () => {
    await using lab = await openLab('slug');
    await writeTree(join(lab.dir, 'app'), {
      'server.js': randomBytes(300_000),
      'bin/run': 'x',
      link: { link: '/etc/x' },
      ünï: 'u',
      e: { dir: true },
    });
    const archive = await buffer(exportSlug([join(lab.dir, 'app')]));
    const digests: string[] = [];
    for (const output of ['1.sqfs', '2.sqfs'].map((name) => join(lab.dir, name))) {
      await importSlug(Readable.from([archive.subarray(0, 1), archive.subarray(1)]), importRequest(lab, { output }));
      digests.push((await digestFile(output)).digest);
    }
    assert.equal(digests[0], digests[1]);
    assert.equal(
      await unpacked(lab, join(lab.dir, '1.sqfs')),
      ['d 755', 'bin d 755', 'bin/run f 644', 'e d 755', 'link l 777 /etc/x', 'server.js f 644', 'ünï f 644']
        .map((line) => (line.includes('link') ? line : `${line} `))
        .map((line) => (line.startsWith('d ') ? ` ${line}` : line))
        .sort()
        .join('\n')
        .trim(),
    );
  });

  it('may be uncompressed, with hard links among its files', async () => {
    await using lab = await openLab('slug');
    const tar = await tarOf([
      { name: './', type: 'directory' },
      { name: './app/', type: 'directory' },
      { name: './app/a', body: 'x', mode: 0o4755 },
      { name: './app/b', type: 'link', linkname: './app/a' },
    ]);
    await importSlug(Readable.from([tar]), importRequest(lab));
    assert.equal(await unpacked(lab, join(lab.dir, 'out.sqfs')), ' d 755 \na f 755 \nb f 755 '.trim());
  });

  it('is refused, naming the entry, when one leads out, is a device or lies elsewhere', async () => {
    await using lab = await openLab('slug');
    const bad: readonly Entry[] = [
      { name: './app/../../etc/passwd' },
      { name: '/app/x' },
      { name: './etc/passwd' },
      { name: './app/null', type: 'character-device' },
      { name: './app/disk', type: 'block-device' },
      { name: './app/pipe', type: 'fifo' },
      { name: './app/x', type: 'link', linkname: '../../etc/shadow' },
      { name: './app/x', type: 'link', linkname: '/etc/shadow' },
    ];
    for (const entry of bad) {
      const archive = gzipSync(
        await tarOf([
          { name: './app/ok', body: 'x' },
          { ...entry, size: 0 },
        ]),
      );
      await assert.rejects(
        importSlug(Readable.from([archive]), importRequest(lab)),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'SLIP_SLUG_TAR');
          assert.ok(error.message.includes(entry.name), error.message);
          return true;
        },
      );
    }
  });

  it('is refused when it is cut short, no archive, or too large packed or unpacked', async () => {
    await using lab = await openLab('slug');
    const tar = await tarOf([{ name: './app/a', body: randomBytes(200_000).toString('hex') }]);
    const gone = gzipSync(tar).subarray(0, 100_000);
    await assert.rejects(importSlug(Readable.from([gone]), importRequest(lab)), { code: 'SLIP_SLUG_TAR' });
    await assert.rejects(importSlug(Readable.from([randomBytes(5000)]), importRequest(lab)), { code: 'SLIP_SLUG_TAR' });
    const small = { code: 'SLIP_SLUG_TOO_LARGE' };
    await assert.rejects(importSlug(Readable.from([tar]), importRequest(lab, { unpackedLimitBytes: 100_000 })), small);
    await assert.rejects(importSlug(Readable.from([tar]), importRequest(lab, { imageLimitBytes: 50_000 })), small);
    assert.ok((await readdir(lab.dir)).length <= 1);
  });
});
