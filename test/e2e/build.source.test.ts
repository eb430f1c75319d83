import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { createGzip, gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { createBench, type Bench } from '../support/build-bench.ts';

type Member = Partial<Header> & { name: string };
const PROCFILE: [Member, string] = [{ name: 'Procfile' }, 'web: ./run\n'];

async function archive(...members: readonly (readonly [Member, string?])[]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content] of members) tar.entry(header, content ?? '');
  tar.finalize();
  return buffer(tar.pipe(createGzip()));
}

describe('the source of a build', () => {
  let bench: Bench;
  let upload = async (): Promise<number> => 0;
  before(async () => {
    bench = await createBench({ upload: () => upload() });
  });
  after(() => bench.close());

  const appFiles = (): string[] => Object.keys(bench.layers.last!.trees['app']!);

  it('and its layers are sent again when the connection to the controller breaks, and the pusher reads one line of it', async () => {
    const source = await archive(PROCFILE);
    const away = new SlipwayError({ code: 'SLIP_CONTROLLER_UNREACHABLE', kind: 'transient', message: 'refused' });
    const calls = { source: 0, upload: 0 };
    const openSource = async (): Promise<Readable> => {
      calls.source += 1;
      if (calls.source === 1) throw away;
      return Readable.from([source]);
    };
    upload = async () => {
      calls.upload += 1;
      if (calls.upload === 1) throw away;
      return 7;
    };
    const { stats } = await bench.build({}, { openSource });
    upload = async () => 0;
    assert.deepEqual([calls, stats.uploadedBytes], [{ source: 2, upload: 2 }, 7]);
    assert.deepEqual(bench.output().match(/.*connection to the controller.*/g), [
      ' !     The connection to the controller was lost; retrying for up to 90 s.',
    ]);
  });

  it('gives layers that are mounted before their upload where the app runs on this node, and nowhere else', async () => {
    let seen: string[] = [];
    const node = await createBench({
      upload: async () => seen.push('upload'),
      runsHere: 'shop',
      onMount: (name) => void seen.push(`mount ${name}`),
    });
    try {
      await node.build({ Procfile: 'web: ./run' });
      assert.deepEqual(seen, ['mount app', 'upload']);
      seen = [];
      await node.build({ Procfile: 'web: ./run' }, { app: 'other' });
      assert.deepEqual(seen, ['upload']);
    } finally {
      await node.close();
    }
  });

  it('is pruned of what Heroku prunes', async () => {
    await bench.build({
      Procfile: 'web: ./run',
      '.git/config': 'x',
      '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = https://example.com/lib\n',
      'log/production.log': 'x',
      'tmp/.hidden': 'x',
      'sub/.DS_Store': 'x',
      'sub/tmp/keep': 'x',
    });
    assert.deepEqual(appFiles(), ['Procfile', 'log/', 'sub/', 'sub/tmp/', 'sub/tmp/keep', 'tmp/']);
  });

  it('names submodules, whose folders come empty, with .gitmodules and without', async () => {
    await bench.build({ Procfile: 'web: x', 'vendor/lib/': '', 'vendor/other/': '', 'vendor/own/a': '1' });
    assert.match(bench.output(), / ! {5}The submodule 'vendor\/lib' is not part of a push/);
    assert.match(bench.output(), / ! {5}The submodule 'vendor\/other' is not part of a push/);
    assert.match(bench.output(), / ! {5}Commit the files themselves: git rm --cached/);
    assert.doesNotMatch(bench.output(), /'vendor\/own'|'vendor'/);
  });

  it('loses what .slugignore names: a name at any depth, a path at the root, never more', async () => {
    await bench.build({
      Procfile: 'web: ./run',
      '.slugignore':
        '# comment\n\n*.psd\r\n/docs\nspec/*.rb   # trailing\ntest/\n.secret\n!keep.psd\n../../outside\nlink/*\n',
      'a.psd': '1',
      'keep.psd': '1',
      'deep/er/b.psd': '1',
      'deep/er/b.txt': '1',
      'deep/.hid/c.psd': '1',
      'docs/x': '1',
      'lib/docs/x': '1',
      'spec/a.rb': '1',
      'spec/sub/b.rb': '1',
      'test/t': '1',
      'deep/.secret': '1',
      'real/file': '1',
      link: { link: '/etc' },
    });
    const files = appFiles().filter((path) => !path.endsWith('/'));
    assert.deepEqual(files, [
      '.slugignore',
      'Procfile',
      'deep/er/b.txt',
      'lib/docs/x',
      'link',
      'real/file',
      'spec/sub/b.rb',
    ]);
    assert.match(bench.output(), /-----> Deleting 8 files matching \.slugignore patterns\.\n/);
    assert.match(bench.output(), /'\.\.\/\.\.\/outside' contains '\.\.' and was ignored/);
  });

  it('never follows a symlink out while it ignores', async () => {
    await bench.build({ Procfile: 'web: x', '.slugignore': 'up/keep\nup/*\n', up: { link: '../keepers' } });
    assert.ok(appFiles().includes('up'));
  });

  it('names Git LFS pointers', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    await bench.build({ Procfile: 'web: x', 'assets/big.bin': pointer, 'assets/small.bin': 'x'.repeat(130) });
    assert.match(
      bench.output(),
      / ! {5}'\.\/assets\/big\.bin' is a Git LFS pointer|'assets\/big\.bin' is a Git LFS pointer/,
    );
    assert.doesNotMatch(bench.output(), /small\.bin/);
  });

  it('keeps symlinks, executables and odd names', async () => {
    await bench.build({
      Procfile: 'web: x',
      'a b/-rf': '1',
      'new\nline': '2',
      run: '#!/bin/sh\n',
      current: { link: 'run' },
    });
    assert.deepEqual(appFiles(), ['Procfile', 'a b/', 'a b/-rf', 'current', 'new\nline', 'run']);
  });

  const attacks: readonly [string, () => Promise<Uint8Array>, string][] = [
    ['an absolute name', () => archive(PROCFILE, [{ name: '/etc/slipway-attack' }, 'x']), 'SLIP_BUILD_UNSAFE_SOURCE'],
    ['a name with ..', () => archive(PROCFILE, [{ name: 'a/../../x' }, 'x']), 'SLIP_BUILD_UNSAFE_SOURCE'],
    [
      'a character device',
      () => archive(PROCFILE, [{ name: 'dev', type: 'character-device', devmajor: 1, devminor: 3 }]),
      'SLIP_BUILD_UNSAFE_SOURCE',
    ],
    ['a named pipe', () => archive(PROCFILE, [{ name: 'pipe', type: 'fifo' }]), 'SLIP_BUILD_UNSAFE_SOURCE'],
    [
      'a hard link out',
      () => archive(PROCFILE, [{ name: 'passwd', type: 'link', linkname: '/etc/passwd' }]),
      'SLIP_BUILD_UNSAFE_SOURCE',
    ],
    [
      'a long name with .. in a PAX header',
      () => archive(PROCFILE, [{ name: 'x', pax: { path: '../evil' } }, 'x']),
      'SLIP_BUILD_UNSAFE_SOURCE',
    ],
    [
      'a truncated archive',
      async () => (await archive(PROCFILE, [{ name: 'big' }, 'x'.repeat(100_000)])).subarray(0, 200),
      'SLIP_BUILD_BAD_SOURCE',
    ],
    ['no archive at all', async () => Buffer.from('hello'), 'SLIP_BUILD_BAD_SOURCE'],
    ['compressed noise', async () => gzipSync(Buffer.alloc(2048, 'noise')), 'SLIP_BUILD_BAD_SOURCE'],
  ];
  for (const [name, make, code] of attacks) {
    it(`is refused with ${name}`, async () => {
      await assert.rejects(bench.build({}, { source: await make() }), { code });
    });
  }

  it('does not write through a symlink of its own', async () => {
    const source = await archive(
      PROCFILE,
      [{ name: 'out', type: 'symlink', linkname: bench.root }],
      [{ name: 'out/written' }, 'x'],
    );
    await bench.build({}, { source }).catch(() => undefined);
    await assert.rejects(
      import('node:fs/promises').then(({ stat }) => stat(`${bench.root}/written`)),
      { code: 'ENOENT' },
    );
  });

  it('is refused beyond the limit of the builder', async () => {
    const small = await createBench({ config: { sourceLimitBytes: 1000 } });
    try {
      await assert.rejects(small.build({}, { source: Buffer.alloc(5000) }), { code: 'SLIP_BUILD_SOURCE_TOO_LARGE' });
    } finally {
      await small.close();
    }
  });

  it('names the bad line of a Procfile and the bad place of app.json before anything is compiled', async () => {
    const slow = { 'bp/bin/detect': '#!/bin/sh\n', 'bp/bin/compile': '#!/bin/sh\nsleep 60\n', '.buildpacks': './bp' };
    await assert.rejects(bench.build({ ...slow, Procfile: 'web: ok\n\nno colon here\n' }), {
      code: 'SLIP_BUILD_PROCFILE',
      message: /^Procfile line 3: /,
    });
    await assert.rejects(bench.build({ ...slow, Procfile: 'web: x', 'app.json': '{\n  "name": "x",\n}\n' }), {
      code: 'SLIP_BUILD_APP_JSON',
      message: /line 3/,
    });
  });
});
