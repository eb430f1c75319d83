import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createBench, type Bench, type Tree } from '../support/build-bench.ts';
import { startNpmRegistry, type NpmRegistry } from '../support/npm-registry.ts';

const PLAIN: Tree = {
  'package.json': JSON.stringify({ name: 'plain', engines: { node: '>=20' }, scripts: { start: 'node server.js' } }),
  'server.js': 'require("http")',
};

function digests(bench: Bench): Record<string, string> {
  return Object.fromEntries(bench.layers.last!.layers.map((layer) => [layer.name, layer.digest]));
}

describe('the nodejs buildpack', () => {
  let bench: Bench;
  let registry: NpmRegistry;

  before(async () => {
    registry = await startNpmRegistry([
      { name: 'tiny', version: '1.0.0', dependencies: { leaf: '2.0.0' } },
      { name: 'tiny', version: '1.1.0', files: { 'new.js': '1' } },
      { name: 'leaf', version: '2.0.0' },
      { name: 'tool', version: '3.0.0' },
      ...['9.9.4', '10.8.2'].map((version) => ({
        name: 'npm',
        version,
        files: { 'bin/npm-cli.js': `#!/usr/bin/env node\nconsole.log('${version}')\n`, 'bin/npx-cli.js': '' },
      })),
      ...['4.0.0', '18.1.0', '18.20.4'].map((version) => ({
        name: `node-linux-${process.arch}`,
        version,
        files: { 'bin/node': `#!/bin/sh\n# ${version}\nexec ${process.execPath} "$@"\n` },
      })),
    ]);
    bench = await createBench({ config: { buildEnv: { NPM_CONFIG_REGISTRY: registry.url } } });
  });
  after(async () => {
    await bench.close();
    await registry.close();
  });

  function withLock(version: string, extra: Tree = {}): Tree {
    const dependencies = { tiny: version };
    return {
      'package.json': JSON.stringify({
        name: 'shop',
        version: '1.0.0',
        dependencies,
        scripts: { start: 'node server.js' },
      }),
      'package-lock.json': registry.lockfile('shop', dependencies),
      'server.js': 'require("tiny")',
      ...extra,
    };
  }

  it('builds an app without dependencies: start script as web process, the runtime as a shared layer', async () => {
    const { slug } = await bench.build(PLAIN, { app: 'plain' });
    assert.deepEqual(slug.processTypes, { web: 'npm start' });
    assert.deepEqual(
      slug.layers.map(({ name, shared }) => [name, shared]),
      [
        ['runtime', true],
        ['app', false],
      ],
    );
    assert.match(
      bench.output(),
      /^-----> Building on the Host stack\n-----> Determining .*\n-----> Node\.js app detected\n/,
    );
    assert.match(bench.output(), /Default types for heroku\/nodejs -> web\n-----> Compressing\.\.\.\n {7}Done: /);
    assert.ok(Object.hasOwn(bench.layers.last!.trees['app']!, '.profile.d/nodejs.sh'));
  });

  it('installs what the lockfile says into a layer of its own', async () => {
    await bench.build(withLock('1.0.0'));
    const tree = bench.layers.last!.trees['dependencies']!;
    assert.ok(Object.hasOwn(tree, 'node_modules/tiny/index.js'));
    assert.ok(Object.hasOwn(tree, 'node_modules/leaf/index.js'));
  });

  it('takes the mounted node_modules for an unchanged lockfile, and gives the digests of a clean build', async () => {
    await bench.build(withLock('1.0.0'));
    const asked = registry.requests.length;
    await bench.build(withLock('1.0.0', { 'server.js': 'changed' }));
    assert.equal(registry.requests.length, asked);
    assert.deepEqual(
      bench.layers.last!.request.reused.map(({ declared }) => declared.path),
      ['.heroku/node', 'node_modules'],
    );
    const warm = digests(bench);
    await bench.build(withLock('1.0.0', { 'server.js': 'changed' }), { app: 'clean' });
    assert.deepEqual(bench.layers.last!.request.reused, []);
    assert.deepEqual(digests(bench), warm);
  });

  it('leaves nothing of the old dependencies behind when the lockfile changes', async () => {
    await bench.build(withLock('1.1.0'));
    const tree = bench.layers.last!.trees['dependencies']!;
    assert.ok(Object.hasOwn(tree, 'node_modules/tiny/new.js'));
    const warm = digests(bench);
    await bench.build(withLock('1.1.0'), { app: 'clean2' });
    assert.deepEqual(digests(bench), warm);
  });

  it('leaves nothing behind when the app stops being a Node app', async () => {
    await bench.build({ Procfile: 'web: ./run', run: '#!/bin/sh\n' });
    assert.deepEqual(Object.keys(bench.layers.last!.trees['app']!), ['Procfile', 'run']);
  });

  it('prefers node_modules of the lockfile to those in the repository, mounted or not', async () => {
    await bench.build(withLock('1.1.0', { 'node_modules/stray/index.js': 'x' }), { app: 'stray' });
    const first = bench.layers.last!.trees['dependencies']!;
    assert.ok(!Object.hasOwn(first, 'node_modules/stray/index.js'));
    await bench.build(withLock('1.1.0', { 'node_modules/stray/index.js': 'x' }), { app: 'stray' });
    assert.deepEqual(bench.layers.last!.trees['dependencies'], first);
  });

  it('runs build scripts with devDependencies and prunes them afterwards', async () => {
    const dependencies = { tiny: '1.1.0' };
    const scripts = {
      build:
        "node -e \"require('tool'); require('fs').writeFileSync('built.txt', process.env.GREETING + process.env.PM + process.argv[2])\"",
      start: 'node .',
    };
    const tree = {
      'package.json': JSON.stringify({ name: 'b', dependencies, devDependencies: { tool: '3.0.0' }, scripts }),
    };
    // The second time the same commit: what scripts made is never taken for given.
    // Names of the buildpack's own variables, and a module that is there after the install alone.
    const config = {
      PM: '!',
      NODE_BUILD_FLAGS: 'once twice',
      CACHE_DIR: 'public',
      BUILD_DIR: '/x',
      LOCKFILE: 'x',
      NODE_VERSION: '0',
      HERE: '/x',
      NODE_OPTIONS: '--require tool',
    };
    for (const greeting of ['first', 'hello'])
      await bench.build(tree, { app: 'builder', config: { ...config, GREETING: greeting } });
    assert.equal(await bench.layers.readLayer('app', 'built.txt'), 'hello!twice');
    assert.deepEqual(
      Object.keys(bench.layers.last!.trees['app']!).filter((path) => path.startsWith('public')),
      [],
    );
    const { app, dependencies: modules } = bench.layers.last!.trees;
    assert.ok(Object.hasOwn(app!, 'built.txt'));
    assert.ok(Object.hasOwn(modules!, 'node_modules/tiny/index.js'));
    assert.ok(!Object.hasOwn(modules!, 'node_modules/tool/index.js'));
    assert.match(bench.output(), / ! {5}There is no lockfile/);
    assert.match(bench.output(), /-----> Running build \(once twice\)\n/);
  });

  it('fetches the Node that engines asks for from the registry, once', async () => {
    const tree: Tree = { 'package.json': JSON.stringify({ engines: { node: '18.x' }, scripts: { start: 'node .' } }) };
    await bench.build(tree, { app: 'older' });
    assert.match(bench.output(), /Node\.js 18\.20\.4 \(engines\.node: 18\.x\)/);
    assert.match(await bench.layers.readLayer('runtime', '.heroku/node/bin/node'), /# 18\.20\.4/);
    // The npm that this Node was released with.
    assert.match(
      await bench.layers.readLayer('runtime', '.heroku/node/lib/node_modules/npm/package.json'),
      /"version":"10\.8\.2"/,
    );
    const asked = registry.requests.length;
    await bench.build(tree, { app: 'older' });
    assert.equal(registry.requests.length, asked);
    await bench.build(
      { ...tree, 'package.json': '{"engines":{"node":"18.x","npm":"9.x"},"scripts":{"start":"x"}}' },
      { app: 'older' },
    );
    assert.match(
      await bench.layers.readLayer('runtime', '.heroku/node/lib/node_modules/npm/bin/npm-cli.js'),
      /'9\.9\.4'/,
    );
    const refusals = {
      '7.x': /No Node version satisfies "7\.x"/,
      '4.x': /Node\.js 4\.0\.0 is too old: a build can have Node\.js 6 and later/,
    };
    for (const [node, message] of Object.entries(refusals)) {
      const refused = bench.build({ 'package.json': JSON.stringify({ engines: { node } }) }, { app: 'oldest' });
      await assert.rejects(refused, { code: 'SLIP_BUILD_COMPILE_FAILED', message });
    }
  });

  it('explains that lockfile and package.json do not agree', async () => {
    const tree = { ...withLock('1.1.0'), 'package-lock.json': registry.lockfile('shop', { tiny: '1.0.0' }) };
    await assert.rejects(bench.build(tree), {
      code: 'SLIP_BUILD_COMPILE_FAILED',
      message: /package-lock\.json and package\.json do not agree/,
      hint: /^Run npm install, commit both files and push again/,
    });
  });

  it('blames the registry, not the lockfile, when it cannot be reached, and takes another one from the config of the app', async () => {
    const cut = await createBench({ config: { buildEnv: { NPM_CONFIG_REGISTRY: 'http://127.0.0.1:9' } } });
    const tree: Tree = {
      'package.json': JSON.stringify({ name: 'x', dependencies: { tiny: '1.1.0' }, scripts: { start: 'node .' } }),
    };
    try {
      await assert.rejects(cut.build(tree, { config: { npm_config_fetch_retries: '0' } }), {
        code: 'SLIP_BUILD_COMPILE_FAILED',
        message: /npm install could not reach the package registry/,
        hint: /slipway config:set NPM_CONFIG_REGISTRY=/,
      });
      await assert.rejects(cut.build({ 'package.json': '{"engines":{"node":"18.x"}}' }), {
        code: 'SLIP_BUILD_COMPILE_FAILED',
        message:
          /The versions of node-linux-\w+ could not be read: the package registry cannot be reached \(.*ECONNREFUSED/,
      });
      await cut.build(tree, { config: { NPM_CONFIG_REGISTRY: registry.url } });
      assert.ok(Object.hasOwn(cut.layers.last!.trees['dependencies']!, 'node_modules/tiny/index.js'));
    } finally {
      await cut.close();
    }
  });

  it('refuses a Node range it does not understand, and package.json that is none', async () => {
    const withRange = (node: string): Tree => ({
      'package.json': JSON.stringify({ engines: { node } }),
      Procfile: 'web: x',
    });
    await assert.rejects(bench.build(withRange('newest please')), {
      code: 'SLIP_BUILD_COMPILE_FAILED',
      message: /"newest please" under engines\.node in package\.json is not a valid range/,
    });
    await assert.rejects(bench.build({ 'package.json': '{ "name": "x", }' }), {
      code: 'SLIP_BUILD_COMPILE_FAILED',
      message: /package\.json is not valid JSON/,
    });
  });
});
