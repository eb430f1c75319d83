import { randomInt } from 'node:crypto';
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';
import { diskSpace, type ReadDiskSpace } from '../../shared/kit/disk.ts';
import { run as realRun, type Run } from '../../shared/kit/exec.ts';
import { noFailpoint, type Failpoint } from '../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { silentLogger, type Logger } from '../../shared/kit/log.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import { imageSettings, type ImageSettings, type ImagesConfig } from './config.ts';
import { downloadImage } from './download.ts';
import { digestFile } from './file-digest.ts';
import { SharedDownloads } from './shared-downloads.ts';
import { planGarbage, type StoredImage } from './garbage-plan.ts';
import { LastUse } from './last-use.ts';
import { LayerExtractor, SquashfsMounter, type LayerMounter, type Ownership } from './layer-mounter.ts';
import { digestOfName, imageDirs, imageLayout, type ImageLayout, type Owner } from './layout.ts';
import { mountFailure } from './mount-commands.ts';
import { moveFile } from './move-file.ts';
import type { ImageTransport, NodeImages } from './port.ts';
import { listOwned, Purge, type OwnedLayer, type PurgeRequest } from './purge.ts';
import { Semaphore } from './semaphore.ts';
import { listStored, statIfExists, sweepLeftovers } from './stored-images.ts';
import { RunningWork } from './running-work.ts';
import { prefetchMainProgram } from './prefetch.ts';

export interface ImagesDeps {
  readonly transport: ImageTransport;
  readonly run?: Run | undefined;
  readonly clock?: Clock | undefined;
  /** In [0, 1). */
  readonly random?: (() => number) | undefined;
  readonly readDiskSpace?: ReadDiskSpace | undefined;
  readonly log?: Logger | undefined;
  readonly failpoint?: Failpoint | undefined;
}

export function createImages(config: ImagesConfig, deps: ImagesDeps): NodeImages {
  return new LocalImages(config, deps);
}

/** The app's uid inside its range of host uids. */
const APP_UID = 1000;
const PARALLEL_DOWNLOADS = 4;

class LocalImages implements NodeImages {
  readonly #layout: ImageLayout;
  readonly #settings: ImageSettings;
  readonly #deps: Required<{ [K in keyof ImagesDeps]: NonNullable<ImagesDeps[K]> }>;
  readonly #mounter: LayerMounter;
  readonly #downloads = new SharedDownloads();
  readonly #downloadSlots = new Semaphore(PARALLEL_DOWNLOADS);
  /** One operation at a time for each digest, so that an image is not deleted during its mount. */
  readonly #turns = new KeyedQueue();
  /** Images whose content was verified since the agent started. */
  readonly #verified = new Set<Digest>();
  readonly #mounting = new RunningWork<Owner>();
  readonly #prefetched = new Set<Digest>();
  readonly #lastUse: LastUse;
  readonly #background = new SerialQueue();
  #swept = false;

  constructor(config: ImagesConfig, deps: ImagesDeps) {
    this.#layout = imageLayout(config.stateDir);
    this.#settings = imageSettings(config);
    this.#deps = {
      transport: deps.transport,
      run: deps.run ?? realRun,
      clock: deps.clock ?? systemClock,
      random: deps.random ?? (() => randomInt(2 ** 32) / 2 ** 32),
      readDiskSpace: deps.readDiskSpace ?? diskSpace,
      log: deps.log ?? silentLogger,
      failpoint: deps.failpoint ?? noFailpoint,
    };
    this.#lastUse = new LastUse((digest) => this.path(digest), this.#deps.clock);
    const mounterDeps = { layout: this.#layout, settings: this.#settings, run: this.#deps.run, log: this.#deps.log };
    this.#mounter =
      this.#settings.mode === 'mount' ? new SquashfsMounter(mounterDeps) : new LayerExtractor(mounterDeps);
  }

  async ensureHost(): Promise<void> {
    const { stateDir } = this.#layout;
    for (const dir of [stateDir, ...imageDirs(stateDir)]) await ensureDir(dir);
    if (!this.#swept) {
      // Files that cannot be removed use disk space, but must not stop the start.
      const sweeps = [() => sweepLeftovers(this.#layout, this.#deps.clock.nowMs()), () => this.#mounter.sweep()];
      for (const sweep of sweeps)
        await sweep().catch((error: unknown) => this.#deps.log.warn({ err: error }, 'images.not_swept'));
      this.#swept = true;
    }
    await this.#mounter.ensureHost();
  }

  ownership(): Ownership {
    return this.#mounter.ownership();
  }

  async settled(): Promise<void> {
    await this.#background.settled();
  }

  path(digest: Digest): string {
    return this.#layout.image(digest);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await statIfExists(this.path(digest))) !== undefined;
  }

  async ensure(layers: readonly Layer[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.all(layers.map((layer) => this.#ensureOne(layer, signal)));
  }

  async #ensureOne(layer: Layer, signal: AbortSignal): Promise<void> {
    const present = await statIfExists(this.path(layer.digest));
    if (present?.size === layer.sizeBytes) {
      await this.#lastUse.touch(layer.digest);
      this.#verifySoon(layer);
      return;
    }
    if (present !== undefined)
      await this.#turns.enqueue(layer.digest, () => this.#discard(layer.digest, 'its size is wrong'));
    await this.#fetch(layer, signal);
  }

  async #fetch(layer: Layer, signal: AbortSignal): Promise<void> {
    await this.#downloads.join(layer.digest, signal, async (shared) => {
      const target = { layer, partialPath: this.#layout.partial(layer.digest), finalPath: this.path(layer.digest) };
      const deps = { ...this.#deps, diskReserve: this.#settings.diskReserve };
      await this.#downloadSlots.run(() => downloadImage(deps, target, shared));
      this.#noteVerified(layer.digest);
    });
  }

  async mount(layer: Layer, uidBase: number): Promise<string> {
    await this.#lastUse.touch(layer.digest);
    const owner = layer.shared ? 'shared' : uidBase + APP_UID;
    const mounting = this.#turns.enqueue(layer.digest, () => this.#mountOrRepair(layer, owner));
    const dir = await this.#mounting.track(owner, mounting);
    this.#verifySoon(layer);
    if (layer.shared) this.#prefetch(layer.digest, dir);
    return dir;
  }

  /** Downloads a damaged image again, once, if it cannot be mounted. */
  async #mountOrRepair(layer: Layer, owner: Owner): Promise<string> {
    try {
      return await this.#mounter.open(layer, owner);
    } catch (error) {
      if (await this.#isIntact(layer.digest)) throw mountFailure(layer, error);
      await this.#discard(layer.digest, 'it could not be mounted');
      await this.#fetch(layer, new AbortController().signal);
      return await this.#mounter.open(layer, owner);
    }
  }

  async adopt(path: string): Promise<{ digest: Digest; sizeBytes: number }> {
    const adopted = await digestFile(path);
    const target = this.path(adopted.digest);
    if ((await statIfExists(target))?.size === adopted.sizeBytes) {
      await rm(path, { force: true });
    } else {
      await chmod(path, 0o644);
      await moveFile(path, target, this.#layout.partialDir);
    }
    this.#noteVerified(adopted.digest);
    return adopted;
  }

  async collectGarbage(inUse: ReadonlySet<Digest>, keep: ReadonlySet<Digest>): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const { graceMs, budgetBytes } = this.#settings;
    const isRecent = (digest: Digest): boolean => nowMs - this.#lastUse.atMs(digest, -Infinity) < graceMs;
    for (const digest of await this.#mounter.opened()) {
      await this.#turns.enqueue(digest, async () => {
        if (!inUse.has(digest) && !isRecent(digest)) await this.#mounter.close(digest);
      });
    }
    const kept = (digest: Digest): boolean => inUse.has(digest) || keep.has(digest) || isRecent(digest);
    for (const image of planGarbage(await listStored(this.#layout), { budgetBytes, nowMs, graceMs, kept })) {
      await this.#turns.enqueue(image.digest, () => this.#delete(image, kept));
    }
  }

  async #delete(image: StoredImage, kept: (digest: Digest) => boolean): Promise<void> {
    if (kept(image.digest)) return;
    if (image.derived) await rm(image.path, { force: true });
    else await this.#drop(image.digest);
    this.#deps.log.info({ path: image.path, sizeBytes: image.sizeBytes }, 'images.deleted');
  }

  async ownedBy(isOwner: (uid: number) => boolean): Promise<readonly OwnedLayer[]> {
    await this.#mounting.settled((owner) => owner !== 'shared' && isOwner(owner));
    return await listOwned(this.#layout, isOwner);
  }

  purge(request: PurgeRequest): Promise<void> {
    return this.#purge().removeAll(request);
  }

  unneeded(inUse: ReadonlySet<Digest>, usedBeforeMs: number): Promise<readonly Digest[]> {
    return this.#purge().unneeded(inUse, usedBeforeMs);
  }

  #purge(): Purge {
    const lastUseMs = (digest: Digest): number => this.#lastUse.atMs(digest, 0);
    const drop = (digest: Digest): Promise<void> => this.#drop(digest);
    return new Purge({
      ...this.#deps,
      layout: this.#layout,
      graceMs: this.#settings.graceMs,
      turns: this.#turns,
      lastUseMs,
      drop,
    });
  }

  /** Removes an image with its mounts and copies. They come first, because they need the image. */
  async #drop(digest: Digest): Promise<void> {
    const { failpoint } = this.#deps;
    await this.#removeDerived(digest);
    await failpoint('agent.layerUnmounted');
    await rm(this.path(digest), { force: true });
    await failpoint('agent.layerDeleted');
    this.#forget(digest);
  }

  #verifySoon(layer: Layer): void {
    if (!this.#verified.has(layer.digest)) this.#inBackground(() => this.#verifyStored(layer));
  }

  async #verifyStored(layer: Layer): Promise<void> {
    if (this.#verified.has(layer.digest)) return;
    if (await this.#isIntact(layer.digest)) {
      this.#verified.add(layer.digest);
      return;
    }
    await this.#turns.enqueue(layer.digest, () => this.#discard(layer.digest, 'its content changed on the disk'));
    await this.#fetch(layer, new AbortController().signal);
  }

  async #isIntact(digest: Digest): Promise<boolean> {
    if (!(await this.has(digest))) return false;
    return (await digestFile(this.path(digest))).digest === digest;
  }

  /** Running sandboxes keep the damaged image. Later mounts use a new download. */
  async #discard(digest: Digest, why: string): Promise<void> {
    this.#deps.log.warn({ digest, why }, 'images.damaged');
    this.#verified.delete(digest);
    await this.#removeDerived(digest);
    await rm(this.path(digest), { force: true });
  }

  async #removeDerived(digest: Digest): Promise<void> {
    await this.#mounter.close(digest);
    for (const name of await readdir(this.#layout.ownedDir)) {
      if (digestOfName(name) === digest) await rm(join(this.#layout.ownedDir, name), { force: true });
    }
  }

  #forget(digest: Digest): void {
    this.#verified.delete(digest);
    this.#prefetched.delete(digest);
    this.#lastUse.forget(digest);
  }

  #noteVerified(digest: Digest): void {
    this.#verified.add(digest);
    this.#lastUse.note(digest);
  }

  #prefetch(digest: Digest, dir: string): void {
    if (this.#prefetched.has(digest)) return;
    this.#prefetched.add(digest);
    this.#inBackground(async () => {
      const program = await prefetchMainProgram(dir);
      if (program !== undefined) this.#deps.log.debug({ program }, 'images.prefetched');
    });
  }

  #inBackground(work: () => Promise<void>): void {
    this.#background.add(work).catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'images.background_failed');
    });
  }
}
