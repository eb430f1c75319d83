import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { digestOfName, ownerOfName, type ImageLayout } from './layout.ts';
import { unmount } from './mount-commands.ts';
import { listStored, readdirIfExists, statIfExists } from './stored-images.ts';

/** A mount or a copy of a layer, with the files of one user. */
export interface OwnedLayer {
  readonly path: string;
  readonly digest: Digest;
  readonly isMount: boolean;
}

export interface PurgeRequest {
  readonly owned: readonly OwnedLayer[];
  /** Layers of the same app. They are removed even if they were just used, because they are not used again. */
  readonly layers: ReadonlySet<Digest>;
  /** Called again for each image, because it may be needed in the meantime. */
  readonly inUse: () => ReadonlySet<Digest>;
}

export interface PurgeDeps {
  readonly layout: ImageLayout;
  /** Images used within this time are kept, because they may be needed soon. */
  readonly graceMs: number;
  readonly turns: KeyedQueue;
  /** The last use since the agent started, else 0. */
  readonly lastUseMs: (digest: Digest) => number;
  /** Removes the image and its per-app copies. */
  readonly drop: (digest: Digest) => Promise<void>;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Mounts and copies of these users, mounts first. */
export async function listOwned(
  layout: ImageLayout,
  isOwner: (uid: number) => boolean,
): Promise<readonly OwnedLayer[]> {
  const listed = async (dir: string, isMount: boolean): Promise<readonly OwnedLayer[]> =>
    (await readdirIfExists(dir)).flatMap(({ name }) => {
      const [digest, uid] = [digestOfName(name), ownerOfName(name)];
      return digest === undefined || uid === undefined || !isOwner(uid)
        ? []
        : [{ path: join(dir, name), digest, isMount }];
    });
  return [...(await listed(layout.mountsDir, true)), ...(await listed(layout.ownedDir, false))];
}

/** Removes images that hold data of a destroyed app. This does not depend on the free space. */
export class Purge {
  readonly #deps: PurgeDeps;

  constructor(deps: PurgeDeps) {
    this.#deps = deps;
  }

  async removeAll({ owned, layers, inUse }: PurgeRequest): Promise<void> {
    const { turns, clock, graceMs } = this.#deps;
    for (const layer of owned) await turns.enqueue(layer.digest, () => this.#removeOwned(layer));
    const old = await this.unneeded(inUse(), clock.nowMs() - graceMs);
    for (const digest of new Set([...old, ...layers, ...owned.map((layer) => layer.digest)])) {
      await turns.enqueue(digest, () => this.#dropIf(digest, () => !inUse().has(digest)));
    }
  }

  /** Images and incomplete downloads. */
  async unneeded(inUse: ReadonlySet<Digest>, usedBeforeMs: number): Promise<readonly Digest[]> {
    const { layout, lastUseMs } = this.#deps;
    const stored = (await listStored(layout)).filter(({ derived }) => !derived);
    // The time of the file is not used, because every use is registered since the agent started.
    const used = [
      ...stored.map(({ digest }) => ({ digest, lastUsedMs: lastUseMs(digest) })),
      ...(await this.#partial()),
    ];
    return used
      .filter(({ digest, lastUsedMs }) => !inUse.has(digest) && lastUsedMs < usedBeforeMs)
      .map(({ digest }) => digest);
  }

  async #partial(): Promise<readonly { digest: Digest; lastUsedMs: number }[]> {
    const { partialDir } = this.#deps.layout;
    const found = (await readdirIfExists(partialDir)).map(async ({ name }) => {
      const [digest, facts] = [digestOfName(name), await statIfExists(join(partialDir, name))];
      return digest === undefined || facts === undefined ? [] : [{ digest, lastUsedMs: facts.mtimeMs }];
    });
    return (await Promise.all(found)).flat();
  }

  async #removeOwned({ path, isMount }: OwnedLayer): Promise<void> {
    if (!isMount) {
      await rm(path, { force: true });
      return;
    }
    if (!(await unmount(this.#deps.run, path))) throw stillMounted(path);
    await rmdir(path).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error;
    });
  }

  async #dropIf(digest: Digest, isFree: () => boolean): Promise<void> {
    if (!isFree()) return;
    const { drop, layout, log } = this.#deps;
    await drop(digest);
    await rm(layout.partial(digest), { force: true });
    const left = (await readdir(layout.mountsDir)).find((name) => digestOfName(name) === digest);
    if (left !== undefined) throw stillMounted(join(layout.mountsDir, left));
    log.info({ digest }, 'images.purged');
  }
}

function stillMounted(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_BUSY',
    kind: 'transient',
    message: `The layer at ${path} cannot be unmounted, because something on this node still uses it.`,
    hint: 'The agent tries again. Find the process on this node that uses this folder, and end it.',
  });
}
