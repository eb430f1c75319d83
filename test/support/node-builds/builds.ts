import { createHash } from 'node:crypto';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DEFAULT_ENV, run } from '../../../shared/kit/exec.ts';
import { writeTree, type Tree } from '../build-bench.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface NodeBuild {
  readonly source: Tree;
  readonly config: Readonly<Record<string, string>>;
}

export interface Built {
  /** Path → mode and digest, or the target of a link. */
  readonly tree: Readonly<Record<string, string>>;
  readonly output: string;
  /** Folders that were mounted from an earlier build. */
  readonly mounted: readonly string[];
}

/**
 * Builds with the nodejs buildpack alone, without an agent: layers are kept as folders by their key. Every build of one
 * `NodeBuilds` has the same paths, so that two histories can be compared file by file.
 */
export class NodeBuilds {
  readonly #root: string;
  readonly #env: Readonly<Record<string, string>>;
  #layers = new Map<string, string>();
  #count = 0;

  private constructor(root: string, env: Readonly<Record<string, string>>) {
    this.#root = root;
    this.#env = env;
  }

  /** @param toolchain a Node distribution; @param env the environment of the builder */
  static async open(toolchain: string, env: Readonly<Record<string, string>> = {}): Promise<NodeBuilds> {
    return new NodeBuilds(await mkdtemp(join(tmpdir(), 'slipway-node-builds-')), { ...env, SLIPWAY_NODE_DIR: toolchain });
  }

  /** A build on top of all earlier ones. */
  async next(build: NodeBuild): Promise<Built> {
    return this.#build(build);
  }

  /** The same build by a builder that has never seen the app. */
  async clean(build: NodeBuild): Promise<Built> {
    const layers = this.#layers;
    const cache = join(this.#root, 'cache');
    await mkdir(cache, { recursive: true });
    await rename(cache, `${cache}-aside`);
    this.#layers = new Map();
    try {
      return await this.#build(build);
    } finally {
      this.#layers = layers;
      await rm(cache, { recursive: true, force: true });
      await rename(`${cache}-aside`, cache);
    }
  }

  async forget(): Promise<void> {
    this.#layers = new Map();
    await rm(this.#root, { recursive: true, force: true });
    await mkdir(this.#root);
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  async #build({ source, config }: NodeBuild): Promise<Built> {
    const [app, cache, envDir, kept] = ['app', 'cache', 'env', 'layers'].map((name) => join(this.#root, name)) as [
      string,
      string,
      string,
      string,
    ];
    for (const folder of [app, envDir]) await rm(folder, { recursive: true, force: true });
    for (const folder of [app, cache, envDir, kept]) await mkdir(folder, { recursive: true });
    await writeTree(app, source);
    for (const [name, value] of Object.entries(config)) await writeFile(join(envDir, name), value);
    await rm(join(cache, 'unpromised'), { force: true });
    const declared = (await this.#run('layers')).split('\n').filter((line) => line !== '');
    const mounted = await this.#mount(declared, app);
    const output = await this.#run('compile', mounted);
    const unpromised = await readFile(join(cache, 'unpromised'), 'utf8').catch(() => '');
    for (const line of declared) {
      const [, path = ''] = line.split('\t');
      if (unpromised.split('\n').includes(path) || mounted.includes(path)) continue;
      const layer = join(kept, String(this.#count++));
      await cp(join(app, path), layer, { recursive: true, verbatimSymlinks: true }).catch(() => undefined);
      this.#layers.set(line, layer);
    }
    return { tree: await treeOf(app), output, mounted };
  }

  /** Copies in the place of mounts. @returns their paths */
  async #mount(declared: readonly string[], app: string): Promise<string[]> {
    const mounted: string[] = [];
    for (const line of declared) {
      const [, path = ''] = line.split('\t');
      const layer = this.#layers.get(line);
      if (layer === undefined) continue;
      await cp(layer, join(app, path), { recursive: true, verbatimSymlinks: true });
      mounted.push(path);
    }
    return mounted;
  }

  async #run(program: 'layers' | 'compile', mounted: readonly string[] = []): Promise<string> {
    const cache = join(this.#root, 'cache');
    const id = String(this.#count++);
    const env = {
      ...DEFAULT_ENV,
      ...this.#env,
      STACK: 'host',
      REQUEST_ID: `request-${id}`,
      SOURCE_VERSION: `commit-${id}`,
      SLIPWAY_UNPROMISED: join(cache, 'unpromised'),
      SLIPWAY_REUSED: mounted.join(':'),
    };
    const args = [join(this.#root, 'app'), cache, join(this.#root, 'env')];
    const result = await run({
      file: join(ROOT, 'buildpacks/nodejs/bin', program),
      args,
      env,
      cwd: join(this.#root, 'app'),
      timeoutMs: 120_000,
    });
    if (result.code !== 0) throw new Error(`${program} failed:\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  }
}

async function treeOf(root: string, below = root): Promise<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const name of (await readdir(below)).sort()) {
    const path = join(below, name);
    const facts = await lstat(path);
    const key = relative(root, path);
    const mode = (facts.mode & 0o777).toString(8);
    if (facts.isDirectory()) entries.push([`${key}/`, mode], ...Object.entries(await treeOf(root, path)));
    else if (facts.isSymbolicLink()) entries.push([key, `-> ${await readlink(path)}`]);
    else
      entries.push([
        key,
        `${mode} ${createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
          .slice(0, 16)}`,
      ]);
  }
  return Object.fromEntries(entries);
}

/** A Node distribution whose npm is {@link ../../fixtures/node-builds/curious-npm.js}. */
export async function curiousToolchain(root: string): Promise<string> {
  const folder = join(root, 'toolchain');
  const npm = join(folder, 'lib/node_modules/npm');
  await mkdir(join(npm, 'bin'), { recursive: true });
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/node'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
  await writeFile(join(folder, 'package.json'), `{\n  "version": "${process.versions.node}"\n}\n`);
  await writeFile(join(npm, 'package.json'), '{\n  "version": "11.0.0"\n}\n');
  for (const name of ['npm-cli.js', 'npx-cli.js']) await cp(join(ROOT, 'test/fixtures/node-builds/curious-npm.js'), join(npm, 'bin', name));
  return folder;
}
