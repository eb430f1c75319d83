import { mkdir, mkdtemp, readdir, rename, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { isErrno } from '../../shared/kit/errors.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { removeTree } from '../../shared/kit/remove-tree.ts';
import type { ImageSettings } from './config.ts';
import { PROBE_PREFIX, mountIdmapped, probeIdmap, removeProbe } from './idmap.ts';
import { digestOfName, type ImageLayout, type Owner } from './layout.ts';
import { ensureShared, mountLoop, unmount } from './mount-commands.ts';
import { writeOwnedCopy } from './owned-copy.ts';
import { readdirIfExists } from './stored-images.ts';

/** How layers get their owner: by idmapped mounts, by a copy with another owner, or (unpacked) not at all. */
export type Ownership = 'idmap' | 'copy' | 'extract';

/** Makes a stored image readable as a folder. A repeated call returns the same folder, also after a restart. */
export interface LayerMounter {
  /** Removes incomplete files of a crash. Call it once, first. */
  sweep(): Promise<void>;
  ensureHost(): Promise<void>;
  ownership(): Ownership;
  open(layer: Layer, owner: Owner): Promise<string>;
  /** Digests that have a folder now. */
  opened(): Promise<ReadonlySet<Digest>>;
  /** Removes the folders of a digest, except those in use. */
  close(digest: Digest): Promise<void>;
}

export interface MounterDeps {
  readonly layout: ImageLayout;
  readonly settings: ImageSettings;
  readonly run: Run;
  readonly log: Logger;
}

/** The largest uid. The next number means "unchanged". */
const MAX_UID = 0xffff_fffe;

export class SquashfsMounter implements LayerMounter {
  readonly #deps: MounterDeps;
  #ownership: 'idmap' | 'copy' | undefined;

  constructor(deps: MounterDeps) {
    this.#deps = deps;
  }

  ownership(): Ownership {
    return this.#ownership ?? 'copy';
  }

  async sweep(): Promise<void> {
    const { layout, run } = this.#deps;
    for (const name of await readdir(layout.mountsDir)) {
      if (name.startsWith(PROBE_PREFIX)) await removeProbe(run, join(layout.mountsDir, name));
    }
  }

  async ensureHost(): Promise<void> {
    const { layout, run, settings, log } = this.#deps;
    await ensureShared(run, layout.stateDir);
    if (this.#ownership !== undefined) return;
    const obstacle =
      settings.ownership === 'copy' ? 'switched off' : await probeIdmap(run, settings.idmapScript, layout.mountsDir);
    this.#ownership = obstacle === undefined ? 'idmap' : 'copy';
    log.info(
      { ownership: this.#ownership, ...(obstacle === undefined ? {} : { why: obstacle }) },
      'images.ownership_chosen',
    );
  }

  async open(layer: Layer, owner: Owner): Promise<string> {
    if (owner === 'shared') return await this.#openAs(layer.digest, owner, this.#deps.layout.image(layer.digest));
    if (owner < 1 || owner > MAX_UID) throw new RangeError(`uid ${owner} is out of range`);
    const clone = this.#ownership === 'idmap' && layer.sizeBytes > this.#deps.settings.copyUpToBytes;
    return clone ? await this.#openIdmapped(layer, owner) : await this.#openCopy(layer.digest, owner);
  }

  async opened(): Promise<ReadonlySet<Digest>> {
    const entries = await readdirIfExists(this.#deps.layout.mountsDir);
    return new Set(entries.map((entry) => digestOfName(entry.name)).filter((digest) => digest !== undefined));
  }

  async close(digest: Digest): Promise<void> {
    const { layout, run, log } = this.#deps;
    for (const name of await readdir(layout.mountsDir)) {
      if (digestOfName(name) !== digest) continue;
      const path = join(layout.mountsDir, name);
      if ((await unmount(run, path)) && (await removeEmpty(path))) continue;
      log.warn({ path }, 'images.unmount_later');
    }
  }

  async #openIdmapped(layer: Layer, owner: number): Promise<string> {
    const { layout, run, settings, log } = this.#deps;
    const target = layout.mount(layer.digest, owner);
    if (await isMounted(target, layout, owner)) return target;
    const source = await this.open(layer, 'shared');
    await mkdir(target, { recursive: true });
    try {
      await mountIdmapped(run, settings.idmapScript, { source, target, ownerUid: owner });
      return target;
    } catch (error) {
      log.warn({ digest: layer.digest, err: error }, 'images.idmap_failed');
      return await this.#openCopy(layer.digest, owner);
    }
  }

  async #openCopy(digest: Digest, owner: number): Promise<string> {
    const { layout } = this.#deps;
    const target = layout.mount(digest, owner);
    if (await isMounted(target, layout, owner)) return target;
    const copy = layout.owned(digest, owner);
    const image = layout.image(digest);
    if (!(await sameSize(copy, image))) await writeOwnedCopy(image, copy, owner);
    return await this.#openAs(digest, owner, copy);
  }

  async #openAs(digest: Digest, owner: Owner, image: string): Promise<string> {
    const { layout, run } = this.#deps;
    const target = layout.mount(digest, owner);
    if (await isMounted(target, layout, owner)) return target;
    await mkdir(target, { recursive: true });
    await mountLoop(run, image, target);
    return target;
  }
}

/** For agents that cannot mount: all apps read the same unpacked folder. */
export class LayerExtractor implements LayerMounter {
  readonly #deps: MounterDeps;

  constructor(deps: MounterDeps) {
    this.#deps = deps;
  }

  ownership(): Ownership {
    return 'extract';
  }

  async ensureHost(): Promise<void> {
    // It needs only folders, which exist already.
  }

  async sweep(): Promise<void> {
    const { extractedDir } = this.#deps.layout;
    for (const name of await readdir(extractedDir)) {
      if (digestOfName(name) === undefined) await removeTree(join(extractedDir, name), this.#deps.run);
    }
  }

  async open(layer: Layer): Promise<string> {
    const { layout, run } = this.#deps;
    const target = layout.extracted(layer.digest);
    if (await exists(target)) return target;
    const temp = await mkdtemp(join(layout.extractedDir, 'unpacking-'));
    try {
      const args = ['-no-xattrs', '-no-progress', '-quiet', '-dest', join(temp, 'tree'), layout.image(layer.digest)];
      await runOk(run, { file: 'unsquashfs', args });
      // Apps get hard links to these files, so no app may write to them.
      if (layer.shared)
        await runOk(run, {
          file: 'find',
          args: [join(temp, 'tree'), '-type', 'f', '-exec', 'chmod', 'a-w', '{}', '+'],
        });
      await rename(join(temp, 'tree'), target);
    } finally {
      await removeTree(temp, run);
    }
    return target;
  }

  /** None: unpacking takes a second, so the folder is removed only together with its image. */
  async opened(): Promise<ReadonlySet<Digest>> {
    return new Set();
  }

  async close(digest: Digest): Promise<void> {
    const removing = await mkdtemp(join(this.#deps.layout.extractedDir, 'removing-'));
    try {
      await rename(this.#deps.layout.extracted(digest), join(removing, 'tree'));
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    } finally {
      await removeTree(removing, this.#deps.run);
    }
  }
}

/** True if it is mounted with the correct owner: its device differs from the parent folder, and its root belongs to the owner. */
async function isMounted(target: string, layout: ImageLayout, owner: Owner): Promise<boolean> {
  try {
    const [at, around] = await Promise.all([stat(target), stat(layout.mountsDir)]);
    return at.dev !== around.dev && at.uid === (owner === 'shared' ? 0 : owner);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function sameSize(a: string, b: string): Promise<boolean> {
  return (await exists(a)) && (await stat(a)).size === (await stat(b)).size;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    return isErrno(error, 'ENOENT');
  }
}
