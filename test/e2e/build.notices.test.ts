import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createBench, type Bench, type Tree } from '../support/build-bench.ts';

const WEB: Tree = { Procfile: 'web: ./run\n' };

describe('notices of a build about files and names', () => {
  let bench: Bench;
  before(async () => {
    bench = await createBench();
  });
  after(() => bench.close());

  it('takes ours for every spelling of an official one, and only for those that it has', async () => {
    const spellings = [
      'heroku/static',
      'heroku-community/static',
      'urn:buildpack:heroku/static',
      'https://buildpack-registry.s3.amazonaws.com/buildpacks/heroku-community/static.tgz',
      'https://codon-buildpacks.s3.amazonaws.com/buildpacks/heroku/static.tgz',
      'https://github.com/heroku/heroku-buildpack-static',
      'https://github.com/heroku/heroku-buildpack-static.git#v9',
      'git@github.com:heroku/heroku-buildpack-static.git',
    ];
    for (const ref of spellings) {
      const { slug } = await bench.build({ 'index.html': 'hi' }, { app: 'spelled', task: { buildpacks: [ref] } });
      assert.deepEqual(slug.buildpacks, ['heroku/static'], ref);
      assert.equal(bench.output().includes('instead of that version'), ref.includes('#'), ref);
    }
  });

  const notices: readonly [string, Tree, RegExp][] = [
    [
      'a procfile in lower case',
      { procfile: 'web: ./run', 'package.json': '{"scripts":{"start":"node ."}}' },
      /procfile is not read\. The name of the file must be exactly Procfile/,
    ],
    [
      'a Gemfile beside a Procfile',
      { ...WEB, Gemfile: '' },
      /Gemfile is not read\. For Ruby, name a buildpack in a file \.buildpacks, for example: heroku\/ruby/,
    ],
    ['a go.mod beside a Procfile', { ...WEB, 'go.mod': '' }, /go\.mod is not read\. For Go/],
    [
      'a composer.json beside a package.json',
      { ...WEB, 'package.json': '{}', 'composer.json': '{}' },
      /composer\.json is not read\. For PHP/,
    ],
    [
      'a second lockfile',
      { ...WEB, 'package.json': '{}', 'yarn.lock': '', 'package-lock.json': '{}' },
      /package-lock\.json is not read, because yarn\.lock decides/,
    ],
  ];
  for (const [name, tree, line] of notices) {
    it(`prints one line about a file that it does not read: ${name}`, async () => {
      await bench.build(tree, { app: 'notice' }).catch((error: unknown) => {
        // Without a registry the second lockfile may end the build later.
        if (!String(error).includes('failed to build')) throw error;
      });
      assert.equal(
        bench
          .output()
          .split('\n')
          .filter((each) => line.test(each)).length,
        1,
      );
    });
  }

  const undetected: readonly [string, Tree, RegExp, RegExp][] = [
    ['another language', { Gemfile: '' }, /looks like a Ruby app \(Gemfile\)/, /echo heroku\/ruby > \.buildpacks/],
    [
      'a language without a known buildpack',
      { 'deno.json': '{}' },
      /looks like a Deno app/,
      /^Name one in a file \.buildpacks; then/,
    ],
    ['an image', { Dockerfile: '' }, /has a Dockerfile, but Slipway cannot build images/, /Procfile/],
    [
      'an app in a folder',
      { 'README.md': '', 'services/api/package.json': '{}' },
      /there is an app in the folder services\/api/,
      /slipway apps:root services\/api -a none/,
    ],
  ];
  for (const [name, tree, message, hint] of undetected) {
    it(`names the found files when no buildpack was detected: ${name}`, async () => {
      await assert.rejects(bench.build(tree, { app: 'none' }), { code: 'SLIP_BUILD_NOTHING_DETECTED', message, hint });
    });
  }

  it('names files and folders from the top of the repository when the app has a root', async () => {
    const inRoot = (tree: Tree, root: string): Promise<unknown> => bench.build(tree, { app: 'none', task: { root } });
    await assert.rejects(inRoot({ 'README.md': '', 'api/package.json': '{}' }, 'services'), {
      message:
        /No buildpack supports the folder services of this repository \(apps:root\), but there is an app in the folder services\/api/,
      hint: /slipway apps:root services\/api -a none/,
    });
    await assert.rejects(inRoot({ 'README.md': '' }, 'web'), {
      message: /or Procfile in its folder web \(apps:root\)/,
      hint: /Add a file web\/Procfile/,
    });
    await assert.rejects(inRoot({ Gemfile: '' }, 'my app'), { hint: /echo heroku\/ruby > 'my app\/\.buildpacks'/ });
    await assert.rejects(inRoot({ 'package.json': '{}', 'dist/index.html': 'hi' }, 'web'), {
      message: /a site in the folder web\/dist/,
      hint: /\{"root":"dist"\}' > web\/static\.json/,
    });
  });

  it('explains how to serve a site without a Procfile', async () => {
    await assert.rejects(bench.build({ 'package.json': '{}', 'dist/index.html': 'hi' }, { app: 'site' }), {
      code: 'SLIP_BUILD_NO_PROCESS',
      message: /made a site in the folder dist/,
      hint: /heroku\/static.*\{"root":"dist"\}/,
    });
  });
});
