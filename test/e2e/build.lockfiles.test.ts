import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_ENV, run, runOk } from '../../shared/kit/exec.ts';
import { createBench, writeTree, type Bench, type Tree } from '../support/build-bench.ts';
import { installedPackage, startNpmRegistry, type NpmRegistry } from '../support/npm-registry.ts';

interface Manager {
  readonly lockfile: string;
  /** Its program, of the package below node_modules, and how it writes a lockfile. */
  readonly program: string;
  readonly lock: readonly string[];
  readonly settings: (registry: string) => Tree;
  /** What the output of a build says of it. */
  readonly says: RegExp;
  readonly disagrees: RegExp;
}

const yarnSettings = (url: string): string => `npmRegistryServer: "${url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\n`;

const MANAGERS: Readonly<Record<string, Manager>> = {
  'yarn 1': {
    lockfile: 'yarn.lock',
    program: 'yarn/bin/yarn.js',
    lock: ['install', '--ignore-scripts', '--ignore-engines', '--non-interactive'],
    settings: () => ({}),
    says: /Node\.js .*, yarn\n {7}Installing yarn@1\.22\.22\n/,
    disagrees: /yarn\.lock and package\.json do not agree/,
  },
  'yarn 4': {
    lockfile: 'yarn.lock',
    program: '@yarnpkg/cli-dist/bin/yarn.js',
    lock: ['install', '--mode=update-lockfile'],
    settings: (url) => ({ '.yarnrc.yml': `${yarnSettings(url)}nodeLinker: node-modules\n` }),
    says: /Node\.js .*, berry\n {7}Installing @yarnpkg\/cli-dist@4\n/,
    disagrees: /yarn\.lock and package\.json do not agree/,
  },
  pnpm: {
    lockfile: 'pnpm-lock.yaml',
    program: 'pnpm/bin/pnpm.cjs',
    lock: ['install', '--lockfile-only'],
    settings: () => ({}),
    says: /Node\.js .*, pnpm\n {7}Installing pnpm@10\n/,
    disagrees: /pnpm-lock\.yaml and package\.json do not agree/,
  },
};

/** The one of the whole run, when there is one. */
function compileCache(): Readonly<Record<string, string>> {
  const { NODE_COMPILE_CACHE: folder } = process.env;
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

describe('the nodejs buildpack, by the lockfile of', () => {
  let bench: Bench;
  let registry: NpmRegistry;
  let dir: string;

  before(async () => {
    registry = await startNpmRegistry([
      { name: 'tiny', version: '1.0.0', dependencies: { leaf: '2.0.0' } },
      { name: 'leaf', version: '2.0.0' },
      { name: 'tool', version: '3.0.0' },
      ...(await Promise.all(['yarn', 'pnpm', '@yarnpkg/cli-dist'].map(installedPackage))),
    ]);
    bench = await createBench({ config: { buildEnv: { NPM_CONFIG_REGISTRY: registry.url } } });
    dir = await mkdtemp(join(tmpdir(), 'slipway-lockfiles-'));
  });
  after(async () => {
    await bench.close();
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  function appOf(dependencies: Readonly<Record<string, string>>, scripts: Readonly<Record<string, string>> = {}): Tree {
    const manifest = { name: 'shop', version: '1.0.0', dependencies, devDependencies: { tool: '3.0.0' } };
    return { 'package.json': JSON.stringify({ ...manifest, scripts: { start: 'node .', ...scripts } }) };
  }

  const written = new Map<string, Promise<string>>();

  /** As the developer of the app has it: written by the tool itself, once for the same dependencies. Scripts make no difference to it. */
  async function withLockfile(manager: Manager, tree: Tree): Promise<Tree> {
    const complete = { ...tree, ...manager.settings(registry.url) };
    const { scripts: _, ...manifest } = JSON.parse(tree['package.json'] as string) as Record<string, unknown>;
    const key = JSON.stringify([manager.program, { ...complete, 'package.json': manifest }]);
    const lockfile = written.get(key) ?? writeLockfile(manager, complete);
    written.set(key, lockfile);
    return { ...complete, [manager.lockfile]: await lockfile };
  }

  async function writeLockfile(manager: Manager, tree: Tree): Promise<string> {
    const folder = await mkdtemp(join(dir, 'app-'));
    await writeTree(folder, tree);
    const program = join(import.meta.dirname, '../../node_modules', manager.program);
    const env = {
      ...DEFAULT_ENV,
      HOME: dir,
      npm_config_registry: registry.url,
      YARN_ENABLE_TELEMETRY: '0',
      ...compileCache(),
    };
    await runOk(run, {
      file: process.execPath,
      args: [program, ...manager.lock],
      cwd: folder,
      env,
      timeoutMs: 240_000,
    });
    return readFile(join(folder, manager.lockfile), 'utf8');
  }

  const modules = (): readonly string[] => Object.keys(bench.layers.last!.trees['dependencies']!);
  const has = (name: string): boolean => modules().some((path) => path.endsWith(`node_modules/${name}/index.js`));

  it("yarn 4 with Plug'n'Play: starts by yarn, which alone finds the modules", async () => {
    const manager = MANAGERS['yarn 4']!;
    const plugAndPlay = {
      ...manager,
      settings: (url: string): Tree => ({ '.yarnrc.yml': `${yarnSettings(url)}nodeLinker: pnp\n` }),
    };
    const start = `node -e "console.log('tiny is', require('tiny'))"`;
    const next = {
      'ask/bin/detect': '#!/bin/sh\n',
      'ask/bin/compile': '#!/bin/sh\ncd "$1" && yarn start\n',
      '.buildpacks': 'heroku/nodejs\n./ask',
    };
    const tree = await withLockfile(plugAndPlay, appOf({ tiny: '1.0.0' }, { start }));
    await bench.build({ ...tree, ...next, Procfile: 'web: yarn start' }, { app: 'pnp' });
    assert.match(bench.output(), /^tiny is 1\.0\.0$/m);
    assert.deepEqual((await bench.build(tree, { app: 'pnp' })).slug.processTypes, { web: 'yarn start' });
    // Packages are loaded from yarn's cache while the app runs.
    const archives = Object.keys(bench.layers.last!.trees['app']!).filter((path) =>
      /^\.yarn\/cache\/(tiny|leaf|tool)-.*\.zip$/.test(path),
    );
    assert.equal(archives.filter((path) => !path.includes('/tool-')).length, 2);
  });

  it('pnpm: leaves the members of a workspace their modules when it prunes', async () => {
    const manager = MANAGERS['pnpm']!;
    const member = (name: string, dependencies: object): string =>
      JSON.stringify({ name, version: '1.0.0', main: 'i.js', dependencies });
    const tree = {
      ...appOf({}, { build: 'node -e 1' }),
      'pnpm-workspace.yaml': 'packages:\n  - packages/*\n',
      'packages/lib/package.json': member('lib', { tiny: '1.0.0' }),
      'packages/web/package.json': member('web', { lib: 'workspace:*' }),
    };
    const locked = await withLockfile(manager, tree);
    for (const line of ['first', 'second']) {
      await bench.build({ ...locked, 'packages/lib/i.js': line }, { app: 'members' });
      const { app, dependencies } = bench.layers.last!.trees;
      const links = ['packages/web/node_modules/lib', 'packages/lib/node_modules/tiny'];
      assert.deepEqual(
        links.map((path) => app![path]?.slice(0, 5)),
        ['-> ..', '-> ..'],
      );
      assert.ok(!Object.keys(dependencies!).some((path) => path.endsWith('node_modules/tool')));
    }
    assert.match(bench.output(), /Node modules unchanged since an earlier build/);
  });

  for (const [name, manager] of Object.entries(MANAGERS)) {
    const app = name.replace(' ', '-');

    it(`${name}: installs what it says, without devDependencies`, async () => {
      await bench.build(await withLockfile(manager, appOf({ tiny: '1.0.0' })), { app });
      assert.match(bench.output(), manager.says);
      assert.deepEqual(['tiny', 'leaf', 'tool'].map(has), [true, true, false]);
    });

    it(`${name}: has devDependencies for a build script, and prunes them`, async () => {
      const build = "node -e \"require('tool'); require('fs').writeFileSync('built.txt', 'yes')\"";
      const tree = await withLockfile(manager, appOf({ tiny: '1.0.0' }, { build }));
      await bench.build(tree, { app: `${app}-b` });
      assert.equal(await bench.layers.readLayer('app', 'built.txt'), 'yes');
      assert.deepEqual(['tiny', 'leaf', 'tool'].map(has), [true, true, false]);
      const first = bench.layers.last!.trees['dependencies'];
      // A line of the app has changed: what was installed is taken again, and the build runs on it.
      await bench.build({ ...tree, 'server.js': 'changed' }, { app: `${app}-b` });
      assert.match(bench.output(), /Node modules unchanged since an earlier build/);
      assert.match(bench.output(), /-----> Running build\n/);
      assert.deepEqual(bench.layers.last!.trees['dependencies'], first);
    });

    it(`${name}: refuses a lockfile that package.json has moved on from`, async () => {
      const locked = await withLockfile(manager, appOf({ leaf: '2.0.0' }));
      await assert.rejects(bench.build({ ...locked, ...appOf({ tiny: '1.0.0' }) }, { app: `${app}-c` }), {
        code: 'SLIP_BUILD_COMPILE_FAILED',
        message: manager.disagrees,
      });
    });
  }
});
