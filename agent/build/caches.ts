import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId } from '../../shared/domain/ids.ts';
import { isId } from '../../shared/domain/ids.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { removeTree } from '../../shared/kit/remove-tree.ts';
import { mountsBelow } from '../sandbox/files/mounts.ts';
import { CacheDisk, type CacheDiskDeps, type CacheSize } from './cache-disk.ts';
import { parseDeclaredLayers, renderDeclaredLayer } from './declared-layers.ts';
import type { DeclaredLayer } from './layers/port.ts';
import { ensureOwnedDir } from './task-folder.ts';

export interface CacheSettings {
  /** One folder per app. */
  readonly root: string;
  /** What a cache may hold after a build. */
  readonly limit: CacheSize;
  /** Each cache has its own file system; false if this agent cannot mount. */
  readonly mounted: boolean;
}

/** A build that exceeds the limit a little still succeeds, and a runaway build cannot fill the machine. */
const DISK_PER_LIMIT = 2;

interface CacheKey {
  readonly stack: string;
  /** Absent: the cache was never purged. */
  readonly cacheNumber?: number | undefined;
}

/** Per app: CACHE_DIR and the layers that the last build declared. Both are removed when the stack changes, and when a user purges the cache. */
export class BuildCaches {
  readonly #settings: CacheSettings;
  readonly #deps: CacheDiskDeps;

  constructor(settings: CacheSettings, deps: CacheDiskDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** The CACHE_DIR of an app. It is created if missing, and emptied if it was made for another stack or has another number. */
  async open(appId: AppId, uidBase: number, { stack, cacheNumber }: CacheKey): Promise<string> {
    const home = this.#home(appId);
    const stackFile = join(home, 'stack');
    const before = await readFileIfExists(stackFile);
    const key = cacheNumber === undefined ? stack : `${stack} ${String(cacheNumber)}`;
    if (before !== undefined && before !== key) await this.clear(appId);
    await ensureDir(home, 0o711);
    await this.#disk(appId)?.open();
    const folder = this.#folder(appId);
    await ensureOwnedDir(folder, uidBase);
    if (before !== key) await writeFileAtomic(stackFile, key, 0o600);
    return folder;
  }

  /** The layers that the last build of this app declared. The next build mounts them before it knows its own. */
  async declared(appId: AppId): Promise<readonly DeclaredLayer[]> {
    return parseDeclaredLayers((await readFileIfExists(this.#declaredFile(appId))) ?? '');
  }

  async remember(appId: AppId, declared: readonly DeclaredLayer[]): Promise<void> {
    const text = declared.map((layer) => `${renderDeclaredLayer(layer)}\n`).join('');
    if (text !== ((await readFileIfExists(this.#declaredFile(appId))) ?? ''))
      await writeFileAtomic(this.#declaredFile(appId), text, 0o600);
  }

  /** Call it before {@link close}. Without its own file system, a cache is counted file by file, so ask only if it may have grown. */
  async isOverLimit(appId: AppId): Promise<boolean> {
    const { limit } = this.#settings;
    const disk = this.#disk(appId);
    const used = disk === undefined ? await this.#count(this.#folder(appId)) : await disk.used();
    return used !== undefined && (used.bytes > limit.bytes || used.inodes > limit.inodes);
  }

  async #count(folder: string): Promise<CacheSize> {
    const total = async (...options: string[]): Promise<number> =>
      Number.parseInt((await this.#deps.run({ file: 'du', args: ['-sx', ...options, '--', folder] })).stdout, 10);
    return { bytes: (await total('-k')) * 1024, inodes: await total('--inodes') };
  }

  /** Call it when the build has ended and its sandbox is removed. */
  async close(appId: AppId): Promise<void> {
    await this.#disk(appId)?.close();
  }

  /** The next build starts with an empty cache. The declared layers stay, because they are stored elsewhere. */
  async empty(appId: AppId): Promise<void> {
    await this.#disk(appId)?.discard();
    await removeTree(this.#folder(appId), this.#deps.run);
  }

  async clear(appId: AppId): Promise<void> {
    await this.#disk(appId)?.discard();
    await removeTree(this.#home(appId), this.#deps.run);
  }

  /** Apps whose cache is mounted. At the start of the agent, these are mounts of a killed agent. */
  async mountedAppIds(): Promise<readonly AppId[]> {
    const mounted = new Set(await mountsBelow(this.#settings.root));
    return (await this.appIds()).filter((appId) => mounted.has(join(this.#home(appId), 'disk')));
  }

  async appIds(): Promise<readonly AppId[]> {
    return (await readdir(this.#settings.root).catch(() => [])).filter((name) => isId(name)) as AppId[]; // just checked
  }

  #home(appId: AppId): string {
    return join(this.#settings.root, appId);
  }

  #folder(appId: AppId): string {
    return this.#disk(appId)?.folder ?? join(this.#home(appId), 'cache');
  }

  #disk(appId: AppId): CacheDisk | undefined {
    const { limit, mounted } = this.#settings;
    const size = { bytes: limit.bytes * DISK_PER_LIMIT, inodes: limit.inodes * DISK_PER_LIMIT };
    return mounted ? new CacheDisk(this.#home(appId), size, this.#deps) : undefined;
  }

  #declaredFile(appId: AppId): string {
    return join(this.#home(appId), 'declared');
  }
}
