import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { AppId, Digest } from '../../../shared/domain/ids.ts';
import type { Layer } from '../../../shared/domain/slug.ts';
import { ensureDir } from '../../../shared/kit/atomic-file.ts';
import { DEFAULT_ENV, run as realRun, type Run } from '../../../shared/kit/exec.ts';
import type { Images } from '../../images/port.ts';
import { Semaphore } from '../../images/semaphore.ts';
import { checkDeclared, planCut, sameLayer, type Cut, type LayerStep } from './cut.ts';
import { LayerKeys, type KeyedLayer } from './layer-keys.ts';
import { checkTreeSize } from './measure-tree.ts';
import { CONSTANT_MTIME_MS, squashAppArgv, squashFolderArgv, type SquashOptions } from './mksquashfs-argv.ts';
import { checkSize, packFailure, packTimeout } from './pack-errors.ts';
import { padImage } from './pad-image.ts';
import type { CutRequest, DeclaredLayer, LayerBuilder } from './port.ts';
import { readFolderFacts } from './tree-facts.ts';

export interface LayerBuilderConfig {
  /** The state folder of the agent. The image store must use the same one, so that images are moved and not copied. */
  readonly stateDir: string;
  /** Default: all processors. */
  readonly processors?: number | undefined;
  /** Memory of each mksquashfs. Default 256. */
  readonly memoryMebibytes?: number | undefined;
  /** Time limit for all images of one build. Default 5 minutes. */
  readonly packTimeoutMs?: number | undefined;
}

export interface LayerBuilderDeps {
  readonly images: Pick<Images, 'adopt' | 'has'>;
  readonly run?: Run | undefined;
}

export function createLayerBuilder(config: LayerBuilderConfig, deps: LayerBuilderDeps): LayerBuilder {
  return new SquashfsLayerBuilder(config, deps);
}

type PackOptions = Pick<SquashOptions, 'processors' | 'memoryMebibytes'>;

const MIB = 1024 * 1024;
const SMALLEST_PACK_MEBIBYTES = 16;

class SquashfsLayerBuilder implements LayerBuilder {
  readonly #tempDir: string;
  readonly #options: PackOptions;
  readonly #images: Pick<Images, 'adopt' | 'has'>;
  readonly #run: Run;
  readonly #keys: LayerKeys;
  readonly #packTimeoutMs: number;
  /** One build at a time packs on a node. */
  readonly #turns = new Semaphore(1);
  #tempReady: Promise<void> | undefined;

  constructor(config: LayerBuilderConfig, deps: LayerBuilderDeps) {
    this.#tempDir = join(config.stateDir, 'layers', 'tmp');
    this.#keys = new LayerKeys(join(config.stateDir, 'layers', 'keys'));
    this.#options = {
      processors: config.processors ?? availableParallelism(),
      memoryMebibytes: config.memoryMebibytes ?? 256,
    };
    this.#packTimeoutMs = config.packTimeoutMs ?? PACK_TIMEOUT_MS;
    this.#images = deps.images;
    this.#run = deps.run ?? realRun;
  }

  async cached(appId: AppId, declared: readonly DeclaredLayer[]): Promise<readonly KeyedLayer[]> {
    checkDeclared(declared);
    const known = await this.#keys.read(appId);
    const found = declared.flatMap((layer) => {
      const match = known.find((each) => sameLayer(each.declared, layer));
      return match === undefined ? [] : [{ declared: layer, layer: { ...match.layer, shared: layer.shared } }];
    });
    return await this.#onlyHere(found);
  }

  async remembers(appId: AppId): Promise<boolean> {
    // A killed agent left this file. Its app is unknown.
    const unfinished = this.#tempReady === undefined ? await readdir(this.#tempDir).catch(() => []) : [];
    return unfinished.length > 0 || (await this.#keys.has(appId));
  }

  remembered(): Promise<ReadonlySet<Digest>> {
    return this.#keys.digests();
  }

  async forget(appId: AppId): Promise<void> {
    await this.#readyTemp();
    await this.#keys.remove(appId);
  }

  async cut(request: CutRequest): Promise<readonly Layer[]> {
    checkDeclared(request.declared);
    request.signal.throwIfAborted();
    const [plan] = await Promise.all([this.#plan(request), this.#readyTemp()]);
    const layers = await this.#turns.run(() =>
      withTimeLimit(request, this.#packTimeoutMs, (limited) => this.#build(plan, limited)),
    );
    checkSize(layers, request.slugLimitBytes);
    await this.#keys.remember(
      request.appId,
      plan.steps.flatMap((step, index) => {
        const layer = layers[index];
        return layer === undefined || isChanged(step, request) ? [] : [{ declared: step.declared, layer }];
      }),
    );
    return layers;
  }

  async #plan({ appDir, upperDir, declared, reused }: CutRequest): Promise<Cut> {
    const facts = declared.map(async ({ path }) => [path, await readFolderFacts(appDir, upperDir, path)] as const);
    const here = await this.#onlyHere(reused);
    return planCut({
      declared,
      reused,
      folders: new Map(await Promise.all(facts)),
      here: new Set(here.map((each) => each.layer.digest)),
    });
  }

  /** Makes all images in parallel. If one fails, the others are stopped. */
  async #build(plan: Cut, request: CutRequest): Promise<readonly Layer[]> {
    const reused = plan.steps.flatMap((step) => (step.kind === 'reuse' ? [step.declared.path] : []));
    await checkTreeSize(request, reused, request.run ?? this.#run);
    const options = {
      ...this.#options,
      memoryMebibytes: this.#memoryOfEach(request, plan.steps.length + 1 - reused.length),
    };
    const failed = new AbortController();
    const signal = AbortSignal.any([request.signal, failed.signal]);
    const app = this.#squash({ ...request, signal }, { name: 'app', shared: false }, (output) =>
      squashAppArgv({ ...options, output, mtimeMs: request.commitTimeMs }, plan.excluded),
    );
    const all = [...plan.steps.map((step) => this.#buildStep(step, { ...request, signal }, options)), app];
    try {
      return await Promise.all(all);
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(all);
      throw error;
    }
  }

  /** Together they get half of the memory of the build, because mksquashfs uses more than its option says. */
  #memoryOfEach({ memoryBytes }: CutRequest, count: number): number {
    return Math.max(
      SMALLEST_PACK_MEBIBYTES,
      Math.min(this.#options.memoryMebibytes, Math.floor(memoryBytes / (2 * MIB * count))),
    );
  }

  async #buildStep(step: LayerStep, request: CutRequest, options: PackOptions): Promise<Layer> {
    if (step.kind === 'reuse') return step.layer;
    return await this.#squash(request, step.declared, (output) =>
      squashFolderArgv({ ...options, output, mtimeMs: CONSTANT_MTIME_MS }, step.declared.path),
    );
  }

  async #squash(
    request: CutRequest,
    layer: Pick<Layer, 'name' | 'shared'>,
    argv: (output: string) => readonly string[],
  ): Promise<Layer> {
    const output = join(this.#tempDir, `${randomBytes(8).toString('hex')}.sqfs`);
    try {
      await this.#pack(request, argv(output));
      await padImage(output);
      const made = { name: layer.name, shared: layer.shared, ...(await this.#images.adopt(output)) };
      request.made?.(made);
      return made;
    } finally {
      await rm(output, { force: true });
    }
  }

  /** The file size limit stops a huge slug before it fills the disk. */
  async #pack({ appDir, slugLimitBytes, signal, run }: CutRequest, argv: readonly string[]): Promise<void> {
    const result = await (run ?? this.#run)({
      file: 'prlimit',
      args: [`--fsize=${slugLimitBytes}`, '--', 'mksquashfs', ...argv],
      cwd: appDir,
      env: { ...DEFAULT_ENV, LC_ALL: 'C' }, // file names are bytes
      signal,
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    signal.throwIfAborted();
    if (result.code !== 0) throw packFailure(result, slugLimitBytes);
  }

  async #onlyHere<T extends { readonly layer: Layer }>(layers: readonly T[]): Promise<readonly T[]> {
    const here = await Promise.all(layers.map((each) => this.#images.has(each.layer.digest)));
    return layers.filter((_, index) => here[index]);
  }

  /** Once per start of the agent. */
  async #readyTemp(): Promise<void> {
    this.#tempReady ??= this.#clearTemp();
    try {
      await this.#tempReady;
    } catch (error) {
      this.#tempReady = undefined;
      throw error;
    }
  }

  async #clearTemp(): Promise<void> {
    await rm(this.#tempDir, { recursive: true, force: true });
    await ensureDir(this.#tempDir);
  }
}

/** True for a reused layer that the build changed, so its content does not match its key. */
function isChanged({ kind, declared }: LayerStep, { reused }: CutRequest): boolean {
  return kind === 'squash' && reused.some((each) => sameLayer(each.declared, declared));
}

/** Other builds of the node must wait. To pack a slug of 500 MB takes 20 s on two processors. */
const PACK_TIMEOUT_MS = 5 * 60_000;

/** @throws SLIP_BUILD_PACK_TIMEOUT */
async function withTimeLimit<T>(
  request: CutRequest,
  timeoutMs: number,
  work: (limited: CutRequest) => Promise<T>,
): Promise<T> {
  request.signal.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  try {
    return await work({ ...request, signal: AbortSignal.any([request.signal, late]) });
  } catch (error) {
    throw late.aborted && !request.signal.aborted ? packTimeout(timeoutMs) : error;
  }
}
