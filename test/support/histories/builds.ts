import { createHash } from 'node:crypto';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DEFAULT_ENV, run } from '../../../shared/kit/exec.ts';
import { writeTree, type Tree } from '../build-bench.ts';

const BUILDPACKS = join(import.meta.dirname, '../../../buildpacks');

export interface Build {
  readonly source: Tree;
  readonly config: Readonly<Record<string, string>>;
  /** Files that another buildpack writes between `bin/layers` and `bin/compile`. */
  readonly early?: Tree;
}

export interface Built {
  /** Path → mode and digest, or the target of a link. For a failed build: its last line. */
  readonly tree: Readonly<Record<string, string>>;
  readonly output: string;
  /** Folders that were mounted from an earlier build. */
  readonly mounted: readonly string[];
}

interface Settings {
  readonly buildpack: 'nodejs' | 'python';
  /** The environment of the builder. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Builds with one shipped buildpack alone, without an agent: layers are kept as folders by their key. Every build has the
 * same paths, so that two histories can be compared file by file.
 */
export class Builds {
  readonly #root: string;
  readonly #settings: Settings;
  readonly #clean = new Map<string, Built>();
  #layers = new Map<string, string>();
  #count = 0;
  #first: { readonly key: string; readonly layers: ReadonlyMap<string, string> } | undefined;
  /** Number of builds. A clean build runs once for each source and config. */
  ran = 0;

  private constructor(root: string, settings: Settings) {
    this.#root = root;
    this.#settings = settings;
  }

  static async open(settings: Settings): Promise<Builds> {
    return new Builds(await mkdtemp(join(tmpdir(), 'slipway-histories-')), settings);
  }

  /** The first build of an app. The cache and the layers after it are kept for the next history that starts with it. */
  async first(build: Build): Promise<void> {
    const key = JSON.stringify(build);
    const [, cache, , kept] = this.#folders();
    const saved = `${this.#root}-first`;
    this.#layers = new Map();
    for (const folder of [cache, kept]) await rm(folder, { recursive: true, force: true });
    if (this.#first?.key === key) {
      for (const [name, folder] of Object.entries({ cache, kept })) await copyTree(join(saved, name), folder);
      this.#layers = new Map(this.#first.layers);
      return;
    }
    this.#clean.set(key, await this.#build(build));
    await rm(saved, { recursive: true, force: true });
    for (const [name, folder] of Object.entries({ cache, kept })) await copyTree(folder, join(saved, name));
    this.#first = { key, layers: new Map(this.#layers) };
  }

  /** A build with the cache and layers of the builds before. */
  async next(build: Build): Promise<Built> {
    return this.#build(build);
  }

  /** The same build on a builder without cache and layers of the app. */
  async clean(build: Build): Promise<Built> {
    const key = JSON.stringify(build);
    const built = this.#clean.get(key) ?? (await this.#buildAside(build));
    this.#clean.set(key, built);
    return built;
  }

  async #buildAside(build: Build): Promise<Built> {
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

  async close(): Promise<void> {
    for (const folder of [this.#root, `${this.#root}-first`]) await rm(folder, { recursive: true, force: true });
  }

  async #build(build: Build): Promise<Built> {
    this.ran++;
    const [app, cache] = this.#folders();
    await this.#placeSource(build);
    const { stdout } = await this.#run('layers');
    const declared = stdout.split('\n').filter((line) => line !== '');
    const mounted = await this.#mount(declared, build.source);
    if (build.early !== undefined) await overwriteTree(app, build.early);
    const { code, stdout: output } = await this.#run('compile', mounted);
    if (code !== 0) return { tree: { failed: output.trimEnd().split('\n').at(-1) ?? '' }, output, mounted };
    const unpromised = (await readFile(join(cache, 'unpromised'), 'utf8').catch(() => '')).split('\n');
    await this.#keepLayers(declared, [...mounted, ...unpromised]);
    return { tree: await treeOf(app), output, mounted };
  }

  async #placeSource({ source, config }: Build): Promise<void> {
    const [app, cache, envDir, kept] = this.#folders();
    for (const folder of [app, envDir]) await rm(folder, { recursive: true, force: true });
    for (const folder of [app, cache, envDir, kept]) await mkdir(folder, { recursive: true });
    await rm(join(cache, 'unpromised'), { force: true });
    await writeTree(app, source);
    for (const [name, value] of Object.entries(config)) await writeFile(join(envDir, name), value);
  }

  async #keepLayers(declared: readonly string[], except: readonly string[]): Promise<void> {
    const [app, , , kept] = this.#folders();
    for (const line of declared) {
      const [, path = ''] = line.split('\t');
      if (except.includes(path)) continue;
      const layer = join(kept, String(this.#count++));
      const isThere = await copyTree(join(app, path), layer).then(
        () => true,
        () => false,
      );
      if (isThere) this.#layers.set(line, layer);
    }
  }

  #folders(): [string, string, string, string] {
    return [join(this.#root, 'app'), join(this.#root, 'cache'), join(this.#root, 'env'), join(this.#root, 'layers')];
  }

  /** Copies in the place of mounts. Where the source has such a folder itself, nothing is mounted. @returns their paths */
  async #mount(declared: readonly string[], source: Tree): Promise<string[]> {
    const [app] = this.#folders();
    const mounted: string[] = [];
    for (const line of declared) {
      const [, path = ''] = line.split('\t');
      const layer = this.#layers.get(line);
      const top = path.split('/')[0] ?? '';
      if (layer === undefined || Object.keys(source).some((file) => file === top || file.startsWith(`${top}/`)))
        continue;
      await copyTree(layer, join(app, path));
      mounted.push(path);
    }
    return mounted;
  }

  async #run(
    program: 'layers' | 'compile',
    mounted: readonly string[] = [],
  ): Promise<{ code: number | null; stdout: string }> {
    const [app, cache, envDir] = this.#folders();
    const id = String(this.#count++);
    const env = {
      ...DEFAULT_ENV,
      ...this.#settings.env,
      STACK: 'host',
      REQUEST_ID: `request-${id}`,
      SOURCE_VERSION: `commit-${id}`,
      SLIPWAY_UNPROMISED: join(cache, 'unpromised'),
      SLIPWAY_REUSED: mounted.join(':'),
    };
    const file = join(BUILDPACKS, this.#settings.buildpack, 'bin', program);
    const result = await run({ file, args: [app, cache, envDir], env, cwd: app, timeoutMs: 280_000 });
    if (result.stderr !== '') throw new Error(`${program} wrote to stderr:\n${result.stdout}\n${result.stderr}`);
    return result;
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
}

/** A file in the place of a folder is replaced, too. */
async function overwriteTree(root: string, tree: Tree): Promise<void> {
  for (const path of Object.keys(tree)) {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      const place = join(root, ...parts.slice(0, depth));
      const facts = await lstat(place).catch(() => undefined);
      if (depth === parts.length || facts?.isDirectory() === false) await rm(place, { recursive: true, force: true });
    }
  }
  await writeTree(root, tree);
}

async function treeOf(root: string, below = root): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const name of (await readdir(below)).sort()) {
    const path = join(below, name);
    const facts = await lstat(path);
    const key = relative(root, path);
    const mode = (facts.mode & 0o777).toString(8);
    if (facts.isDirectory()) Object.assign(tree, { [`${key}/`]: mode }, await treeOf(root, path));
    else if (facts.isSymbolicLink()) tree[key] = `-> ${await readlink(path)}`;
    else tree[key] = `${mode} ${digestOf(await readFile(path))}`;
  }
  return tree;
}

function digestOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
