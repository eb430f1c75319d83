import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { createBench, writeTree, type Bench, type Tree } from '../support/build-bench.ts';
import { eventually } from '../support/eventually.ts';

const WEB: Tree = { Procfile: 'web: ./run\n' };

/** A Heroku buildpack below `bp/`, with the parts that a test cares for. */
function buildpack(parts: Readonly<Record<string, string | { readonly link: string }>>, folder = 'bp'): Tree {
  const complete = { 'bin/detect': '#!/bin/sh\necho Custom\n', 'bin/compile': '#!/bin/sh\nexit 0\n', ...parts };
  return Object.fromEntries(Object.entries(complete).map(([path, content]) => [`${folder}/${path}`, content]));
}

const USE_BP: Tree = { '.buildpacks': './bp\n' };

describe('building with any buildpack', () => {
  let bench: Bench;
  before(async () => {
    bench = await createBench();
  });
  after(() => bench.close());

  it('gives the environment of the API: ENV_DIR byte for byte, STACK, SOURCE_VERSION, and no config variable exported', async () => {
    const compile = `#!/bin/bash
env -0 | sort -z | tr '\\0' '\\n' | grep -E '^(STACK|SOURCE_VERSION|REQUEST_ID|GIT_DIR|SLIPWAY|SECRET)' > "$1/env.txt"
cp "$3/SECRET" "$1/secret"; [ -d "$2" ] && echo cached > "$2/mark"; [ "$HOME" = "$1" ] && echo home >> "$1/env.txt"
`;
    const { slug } = await bench.build(
      { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': compile }) },
      { config: { SECRET: 'a\'b\n"c\u00e9' } },
    );
    const text = await readBuilt(bench, 'env.txt');
    assert.match(
      text,
      /^REQUEST_ID=[a-z0-9]+\nSOURCE_VERSION=0123456789012345678901234567890123456789\nSTACK=debian-12\nhome\n$/,
    );
    assert.equal(await readBuilt(bench, 'secret'), 'a\'b\n"c\u00e9');
    assert.deepEqual(slug.buildpacks, ['./bp']);
    assert.match(bench.output(), /-----> Using buildpack: \.\/bp\n-----> Custom app detected\n/);
  });

  it('sources the export files of earlier buildpacks, and takes the release of the last alone', async () => {
    const release = (type: string): string =>
      `#!/bin/sh\nprintf 'config_vars:\\n  FROM: ${type}\\ndefault_process_types:\\n  ${type}: run ${type}\\n'\n`;
    const first = buildpack(
      {
        'bin/compile':
          '#!/bin/sh\necho "export PATH=/made/up:\\$PATH GIVEN=yes; i=7 program=x DIRS=(); set -- a b" > "${0%/bin/*}/export"\n',
        'bin/release': release('one'),
      },
      'bp1',
    );
    const second = buildpack(
      { 'bin/compile': '#!/bin/sh\necho "$GIVEN $PATH" > "$1/seen"\n', 'bin/release': release('two') },
      'bp2',
    );
    const appJson = JSON.stringify({ buildpacks: [{ url: './bp1' }, { url: './bp2' }] });
    const { slug } = await bench.build({ 'app.json': appJson, ...first, ...second });
    assert.match(await readBuilt(bench, 'seen'), /^yes \/made\/up:/);
    assert.deepEqual(slug.processTypes, { two: 'run two' });
    assert.deepEqual(slug.defaultConfig, { FROM: 'two' });
    assert.match(bench.output(), /-----> Using buildpacks:\n {7}1\. \.\/bp1\n {7}2\. \.\/bp2\n/);
  });

  it('lets our own buildpacks hand their tools to the next one', async () => {
    const next = buildpack({ 'bin/compile': '#!/bin/sh\ncommand -v node > "$1/which"\n' });
    await bench.build(
      { ...WEB, 'package.json': '{}', '.buildpacks': 'heroku/nodejs\n./bp\n', ...next },
      { app: 'pair' },
    );
    assert.match(await readBuilt(bench, 'which'), /\/\.heroku\/node\/bin\/node\n$/);
    await bench.build(
      { ...WEB, 'package.json': '{}', '.buildpacks': 'heroku/nodejs\n./bp\n', ...next },
      { app: 'pair' },
    );
    assert.deepEqual(bench.layers.last!.request.reused, [], 'a buildpack that declares nothing must see no old folder');
  });

  it('prefers BUILDPACK_URL to the list of the app, and that to app.json and .buildpacks', async () => {
    const tree = { ...WEB, 'app.json': '{"buildpacks":[{"url":"./none"}]}', ...buildpack({}) };
    const viaTask = await bench.build(tree, { task: { buildpacks: ['./bp'] } });
    assert.deepEqual(viaTask.slug.buildpacks, ['./bp']);
    assert.ok(!bench.output().includes('is not read'));
    const overFile = await bench.build({ ...tree, '.buildpacks': './none\n' }, { task: { buildpacks: ['./bp'] } });
    assert.deepEqual(overFile.slug.buildpacks, ['./bp']);
    assert.match(bench.output(), / !     \.buildpacks is not read, because the buildpacks of this app are set/);
    const viaConfig = await bench.build(tree, {
      task: { buildpacks: ['./none'] },
      config: { BUILDPACK_URL: './bp\n' },
    });
    assert.deepEqual(viaConfig.slug.buildpacks, ['./bp']);
  });

  it('streams output as it comes and passes binary bytes on as they are', async () => {
    const seen: string[] = [];
    const compile = '#!/bin/bash\nprintf "\\000\\377\\033[31mred"\n';
    await bench.build(
      { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': compile }) },
      { onOutput: (text) => seen.push(text) },
    );
    assert.ok(bench.output().includes('\u0000\u00ff\u001b[31mred'));
    assert.ok(seen.length > 1);
  });

  const failures: readonly [string, Tree, { code: string; message: RegExp }][] = [
    [
      'a compile that fails',
      buildpack({ 'bin/compile': '#!/bin/sh\necho broken >&2\nexit 7\n' }),
      { code: 'SLIP_BUILD_COMPILE_FAILED', message: /Custom app failed to build.*exit code 7/ },
    ],
    [
      'a compile that is killed',
      buildpack({ 'bin/compile': '#!/bin/sh\nkill -9 $$\n' }),
      { code: 'SLIP_BUILD_OUT_OF_MEMORY', message: /most likely because it used more memory than its limit of 2\.0G/ },
    ],
    [
      'a detect that says no',
      buildpack({ 'bin/detect': '#!/bin/sh\nexit 1\n' }),
      { code: 'SLIP_BUILD_NOT_COMPATIBLE', message: /\.\/bp does not support this app/ },
    ],
    [
      'a missing compile',
      { 'bp/bin/detect': '#!/bin/sh\n' },
      { code: 'SLIP_BUILD_BUILDPACK_INCOMPLETE', message: /has no bin\/compile/ },
    ],
    [
      'Windows line ends',
      buildpack({ 'bin/compile': '#!/bin/bash\r\nexit 0\r\n' }),
      { code: 'SLIP_BUILD_BUILDPACK_NOT_RUNNABLE', message: /CRLF/ },
    ],
    [
      'an interpreter that is not there',
      buildpack({ 'bin/compile': '#!/usr/bin/perl99 -w\n' }),
      { code: 'SLIP_BUILD_BUILDPACK_NOT_RUNNABLE', message: /\/usr\/bin\/perl99 is not on this stack/ },
    ],
    [
      'a release that is no YAML',
      buildpack({ 'bin/release': '#!/bin/sh\necho "a: [b"\n' }),
      { code: 'SLIP_BUILD_BAD_RELEASE_YAML', message: /bin\/release of \.\/bp/ },
    ],
    [
      'a release that is a YAML bomb',
      buildpack({ 'bin/release': `#!/bin/sh\nprintf '${yamlBomb()}'\n` }),
      { code: 'SLIP_BUILD_BAD_RELEASE_YAML', message: /bin\/release/ },
    ],
    [
      'a release that fails',
      buildpack({ 'bin/release': '#!/bin/sh\nexit 3\n' }),
      { code: 'SLIP_BUILD_RELEASE_FAILED', message: /exit code 3/ },
    ],
  ];
  for (const [name, tree, error] of failures) {
    it(`names the cause: ${name}`, async () => {
      await assert.rejects(bench.build({ ...WEB, ...USE_BP, ...tree }), error);
    });
  }

  it('makes programs executable that a buildpack keeps without the bit', async () => {
    const tree = Object.fromEntries(
      Object.entries(buildpack({})).map(([path, text]) => [path, Buffer.from(text as string)]),
    );
    await bench.build({ ...WEB, ...USE_BP, ...tree });
  });

  it('starts every program in the folder of the buildpack, as Heroku does', async () => {
    const parts = {
      'bin/detect': '#!/bin/sh\ncat name\n',
      'bin/compile': '#!/bin/sh\ncp files/note "$1/note"\n',
      'bin/release': '#!/bin/sh\ncat release.yml\n',
      name: 'Relative',
      'files/note': 'found',
      'release.yml': 'default_process_types:\n  web: ./run\n',
    };
    const { slug } = await bench.build({ ...USE_BP, ...buildpack(parts) }, { app: 'relative' });
    assert.match(bench.output(), /-----> Relative app detected/);
    assert.equal(await readBuilt(bench, 'note'), 'found');
    assert.deepEqual(slug.processTypes, { web: './run' });
  });

  it('refuses folders of the builder, and names that are none', async () => {
    for (const ref of ['/etc', './../../../etc', '-x', 'no such thing', 'file:///etc']) {
      await assert.rejects(
        bench.build(WEB, { task: { buildpacks: [ref] } }),
        { code: 'SLIP_BUILD_BUILDPACK_FETCH' },
        ref,
      );
    }
  });

  it('stops a build that hangs, and says where and for how long', async () => {
    const tree = { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': '#!/bin/sh\nsleep 3600\n' }) };
    const told = (): Promise<string> =>
      bench.build(tree, { task: { timeoutMs: 1500 } }).then(
        () => assert.fail('it ended'),
        (error: unknown) => (error instanceof SlipwayError ? `${error.code} ${error.message}` : String(error)),
      );
    // On a busy machine, the limit can end an earlier step.
    await eventually('the limit ends the step that hangs', async () => {
      const text = await told();
      assert.match(text, /^SLIP_BUILD_TIMEOUT .*took longer than 1 s and was stopped/);
      return text.includes('was stopped during bin/compile of ./bp');
    });
  });

  it('stops a build that prints without end', async () => {
    const tree = { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': '#!/bin/sh\nyes\n' }) };
    await assert.rejects(bench.build(tree, { task: { outputLimitBytes: 100_000 } }), {
      code: 'SLIP_BUILD_OUTPUT_LIMIT',
    });
    assert.ok(bench.output().length < 1_000_000);
  });

  it('is cancelled long before it would end', async () => {
    const cancel = new AbortController();
    const tree = { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': '#!/bin/sh\necho compiling\nsleep 3600\n' }) };
    const onOutput = (text: string): void => {
      if (!text.includes('compiling') || cancel.signal.aborted) return;
      cancel.abort();
    };
    await assert.rejects(bench.build(tree, { signal: cancel.signal, onOutput }), { code: 'SLIP_BUILD_CANCELLED' });
  });

  it('does not start a build that was cancelled before', async () => {
    await assert.rejects(bench.build(WEB, { signal: AbortSignal.abort() }), { code: 'SLIP_BUILD_CANCELLED' });
  });

  it('names the next command when no buildpack was detected or there is no command to run', async () => {
    await assert.rejects(bench.build({ 'README.md': 'hi' }), { code: 'SLIP_BUILD_NOTHING_DETECTED' });
    await assert.rejects(bench.build({ 'package.json': '{}' }), {
      code: 'SLIP_BUILD_NO_PROCESS',
      message: /no Procfile/,
    });
  });

  it('keeps the cache of an app from build to build, and from other apps', async () => {
    const compile = '#!/bin/sh\ncat "$2/count" 2>/dev/null\necho again >> "$2/count"\n';
    const tree = { ...WEB, ...USE_BP, ...buildpack({ 'bin/compile': compile }) };
    await bench.build(tree, { app: 'cacher' });
    await bench.build(tree, { app: 'cacher' });
    assert.match(bench.output(), /^again$/m);
    await bench.build(tree, { app: 'other' });
    assert.doesNotMatch(bench.output(), /^again$/m);
    assert.ok((await bench.runner.cachedAppIds()).length >= 2);
  });

  it('takes buildpacks from the folder that the operator opened', async () => {
    const folder = join(bench.root, 'opened');
    await mkdir(folder);
    await writeTree(folder, buildpack({ 'bin/compile': '#!/bin/sh\necho from the operator\n' }, 'ours'));
    const opened = await createBench({ config: { localBuildpacksDir: folder } });
    try {
      await opened.build(WEB, { task: { buildpacks: [join(folder, 'ours')] } });
      assert.match(opened.output(), /from the operator/);
      await assert.rejects(opened.build(WEB, { task: { buildpacks: [join(folder, '../tasks')] } }), {
        code: 'SLIP_BUILD_BUILDPACK_FETCH',
      });
    } finally {
      await opened.close();
    }
  });
});

async function readBuilt(bench: Bench, path: string): Promise<string> {
  return bench.layers.readLayer('app', path);
}

function yamlBomb(): string {
  const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (const [index, name] of 'bcdefghi'.split('').entries())
    lines.push(
      `${name}: &${name} [${Array(9)
        .fill(`*${'abcdefghi'[index] ?? ''}`)
        .join(',')}]`,
    );
  return lines.join('\\n');
}
