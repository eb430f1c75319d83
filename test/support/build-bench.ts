import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile, chmod, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import type { BuildRunnerConfig } from '../../agent/build/config.ts';
import { DEFAULT_CACHE_LIMIT, DEFAULT_SOURCE_LIMIT_BYTES } from '../../agent/build/config.ts';
import type { CutRequest, DeclaredLayer, LayerBuilder } from '../../agent/build/layers/port.ts';
import { createBuildRunner, type NodeBuildRunner } from '../../agent/build/runner.ts';
import type { Images } from '../../agent/images/port.ts';
import type { Sandbox } from '../../agent/sandbox/port.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import { DEFAULT_BUILD_LIMITS } from '../../shared/domain/assignment.ts';
import type { AppId, Digest, TaskId } from '../../shared/domain/ids.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { sealAll } from '../../shared/kit/sensitive.ts';
import { OverlaySandbox } from './overlay-sandbox.ts';
import { testToolchain } from './test-toolchain.ts';

/**
 * File path → content; an executable starts with `#!` or has a mode; `{ link }` is a symlink; a path ending in `/` is an empty
 * folder.
 */
export type Tree = Readonly<
  Record<string, string | Uint8Array | { readonly link: string } | { readonly text: string; readonly mode: number }>
>;

export async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    if (path.endsWith('/')) await mkdir(file);
    else if (typeof content === 'object' && 'link' in content) await symlink(content.link, file);
    else if (typeof content === 'object' && 'text' in content) {
      await writeFile(file, content.text);
      await chmod(file, content.mode);
    } else {
      await writeFile(file, content);
      if (typeof content === 'string' && content.startsWith('#!')) await chmod(file, 0o755);
    }
  }
}

/** Sorted paths → sha256 of the content (or link target). It reads synchronously, because a promise for each of thousands of files is slow. */
export function listTree(root: string, below = root): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(below, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name);
    const key = relative(root, path);
    if (entry.isDirectory()) Object.assign(found, { [`${key}/`]: 'folder' }, listTree(root, path));
    else if (entry.isSymbolicLink()) found[key] = `-> ${readlinkSync(path)}`;
    else found[key] = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
  }
  return found;
}

/** Layers as copied folders, with a digest over names and content. The same rules as the real layer builder, without squashfs. */
class FolderLayers implements LayerBuilder {
  readonly #root: string;
  readonly #known = new Map<string, Layer>();
  readonly mounts = new Map<Digest, string>();
  last: { request: CutRequest; layers: readonly Layer[]; trees: Record<string, Record<string, string>> } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** A file of the last layer of this name. */
  readLayer(name: string, path: string): Promise<string> {
    const layer = this.last?.layers.find((one) => one.name === name);
    return readFile(join((layer && this.mounts.get(layer.digest)) ?? '', path), 'utf8');
  }

  remembers(): Promise<boolean> {
    return Promise.resolve(false);
  }

  remembered(): Promise<ReadonlySet<Digest>> {
    return Promise.resolve(new Set());
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  async cached(
    appId: AppId,
    declared: readonly DeclaredLayer[],
  ): Promise<readonly { declared: DeclaredLayer; layer: Layer }[]> {
    return declared.flatMap((one) => {
      const layer = this.#known.get(JSON.stringify([appId, one]));
      return layer === undefined ? [] : [{ declared: one, layer }];
    });
  }

  async cut(request: CutRequest): Promise<readonly Layer[]> {
    const work = await mkdtemp(join(this.#root, 'cut-'));
    const copy = join(work, 'app');
    await copyTree(request.appDir, copy);
    const layers: Layer[] = [];
    const trees: Record<string, Record<string, string>> = {};
    const add = (name: string, from: string, shared: boolean): Layer => {
      trees[name] = listTree(from);
      const digest = `sha256:${createHash('sha256').update(JSON.stringify(trees[name])).digest('hex')}` as Digest;
      this.mounts.set(digest, from);
      const layer = { name, digest, sizeBytes: 1000, shared };
      layers.push(layer);
      return layer;
    };
    for (const one of request.declared) {
      const folder = join(work, `layer-${one.name}`);
      await mkdir(dirname(join(folder, one.path)), { recursive: true });
      const moved = await run({ file: 'mv', args: [join(copy, one.path), join(folder, one.path)] });
      if (moved.code !== 0) continue;
      const layer = add(one.name, folder, one.shared);
      const wasMounted = request.reused.some(({ declared }) => declared.path === one.path);
      if (!wasMounted) this.#known.set(JSON.stringify([request.appId, one]), layer);
    }
    add('app', copy, false);
    this.last = { request, layers, trees };
    return layers;
  }
}

/** Makes hard links where possible, because a finished tree does not change. Files of an overlay must be copied. */
async function copyTree(from: string, to: string): Promise<void> {
  const linked = await run({ file: 'cp', args: ['-al', from, to] });
  if (linked.code === 0) return;
  await rm(to, { recursive: true, force: true });
  await runOk(run, { file: 'cp', args: ['-a', from, to] });
}

export interface Bench {
  readonly root: string;
  readonly config: BuildRunnerConfig;
  readonly runner: NodeBuildRunner;
  readonly sandbox: Sandbox;
  readonly layers: FolderLayers;
  /** The output of the last build, as the pusher sees it. */
  readonly output: () => string;
  build(tree: Tree, options?: BuildOptions): Promise<BuildResult>;
  close(): Promise<void>;
}

export interface BuildOptions {
  readonly app?: string;
  readonly task?: Partial<BuildTask>;
  readonly config?: Readonly<Record<string, string>>;
  readonly source?: Uint8Array;
  readonly openSource?: () => Promise<Readable>;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

const REPOSITORY = join(import.meta.dirname, '../..');

export interface BenchOptions {
  readonly sandbox?: Sandbox;
  /** Real layers and images instead of folders. */
  readonly real?: { readonly layers: LayerBuilder; readonly images: Pick<Images, 'mount' | 'path'> };
  readonly upload?: () => Promise<number>;
  /** Apps with this name run on this node. */
  readonly runsHere?: string;
  /** Called with the names of the mounted layers. */
  readonly onMount?: (name: string) => void;
  readonly uidBase?: number;
  readonly config?: Partial<BuildRunnerConfig>;
}

/** A builder on this machine with the shipped buildpacks. The sandbox is {@link OverlaySandbox} unless one is given. */
export async function createBench(options: BenchOptions = {}): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-build-'));
  await chmod(root, 0o711);
  const sandbox = options.sandbox ?? new OverlaySandbox(join(root, 'boxes'));
  const layers = new FolderLayers(root);
  const config: BuildRunnerConfig = {
    tasksDir: join(root, 'tasks'),
    cacheDir: join(root, 'cache'),
    buildpacksDir: join(REPOSITORY, 'buildpacks'),
    insideDir: join(REPOSITORY, 'agent/build/inside'),
    toolchainDir: await testToolchain(root, options.sandbox !== undefined),
    platform: 'debian-12-x64',
    buildEnv: {},
    sourceLimitBytes: DEFAULT_SOURCE_LIMIT_BYTES,
    cacheLimit: DEFAULT_CACHE_LIMIT,
    canMount: false,
    ...options.config,
  };
  const runner = createBuildRunner(config, {
    sandbox,
    layers: options.real?.layers ?? layers,
    images: options.real?.images ?? {
      mount: async (layer) => {
        options.onMount?.(layer.name);
        return layers.mounts.get(layer.digest)!;
      },
      path: (digest) => layers.mounts.get(digest)!,
    },
    transport: { upload: options.upload ?? (async () => 0) },
    runsHere: (appId) => options.runsHere !== undefined && appId === appIdOf(options.runsHere),
    clock: systemClock,
    random: () => 0,
    run,
    log: silentLogger,
  });
  let output = '';
  return {
    root,
    config,
    runner,
    sandbox,
    layers,
    output: () => output,
    build: async (tree, given = {}) => {
      output = '';
      const source = given.source ?? (await packTree(root, tree));
      return runner.build(
        { ...makeTask(given), uidBase: options.uidBase ?? 2_000_000, ...given.task },
        {
          openSource: given.openSource ?? (async () => Readable.from([source])),
          output: (chunk) => {
            output += Buffer.from(chunk).toString('latin1');
            given.onOutput?.(output);
          },
          signal: given.signal ?? new AbortController().signal,
        },
      );
    },
    close: async () => {
      await runner.settled();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function appIdOf(name: string): AppId {
  return `app0${name.padEnd(10, '0')}` as AppId;
}

function makeTask(given: BuildOptions): BuildTask {
  return {
    kind: 'build',
    taskId: randomId() as TaskId,
    appId: appIdOf(given.app ?? 'shop'),
    app: parseAppName(given.app ?? 'shop'),
    uidBase: 0,
    commit: '0123456789012345678901234567890123456789',
    commitTimeMs: 1_700_000_000_000,
    stack: 'host',
    config: sealAll(given.config ?? {}),
    buildpacks: [],
    limits: DEFAULT_BUILD_LIMITS,
    timeoutMs: 280_000,
    slugLimitBytes: 500 * 1024 * 1024,
    outputLimitBytes: 10 * 1024 * 1024,
    ...given.task,
  };
}

/** `git archive`-like: a gzip-compressed tar of the tree. */
export async function packTree(root: string, tree: Tree): Promise<Uint8Array> {
  const folder = await mkdtemp(join(root, 'source-'));
  await writeTree(folder, tree);
  await runOk(run, { file: 'tar', args: ['-czf', `${folder}.tgz`, '-C', folder, '.'] });
  const bytes = await readFile(`${folder}.tgz`);
  await rm(folder, { recursive: true, force: true });
  return bytes;
}
