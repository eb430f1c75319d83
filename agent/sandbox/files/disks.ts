import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Limits } from '../../../shared/domain/assignment.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { RandomId } from '../../../shared/kit/random-id.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';
import { mountsBelow, unmountBelow } from './mounts.ts';

export interface DisksDeps {
  readonly run: Run;
  readonly log: Logger;
  readonly randomId: RandomId;
}

/** A disk with this prefix is not ready. A rename makes it ready or gives it to a sandbox. */
const UNFINISHED = 'making-';
const TEMPLATE = '.ext4';
/** Prefix of a template that is being made. */
const NEW = 'new-';
/**
 * Number of disk sizes in the pool: one for most apps, one for builds, and one more. Each disk in the pool uses a loop device and a mount, so
 * disks of a size that is no longer requested are removed.
 */
export const POOL_SIZES_MAX = 3;

type Size = Pick<Limits, 'diskBytes' | 'diskInodes'>;

/**
 * Folders with a mounted ext4 image of limited size. One rename turns such a folder into a sandbox. To make one takes two to four programs
 * (10 to 60 ms), so the pool has a few of the requested sizes.
 */
export class Disks {
  readonly #poolDir: string;
  readonly #templatesDir: string;
  readonly #scriptsDir: string;
  readonly #poolSize: number;
  readonly #deps: DisksDeps;
  /** Names of the sizes that were requested last, newest first. */
  #recent: readonly string[] = [];
  /** Size → disks that are being made from its template now. */
  readonly #making = new Map<string, number>();
  /** Size → the removal of its template, which runs now. A disk of this size waits for it, and then makes the template again. */
  readonly #removing = new Map<string, Promise<void>>();
  /** Folders that are being made or removed now; a sweep must not touch them. */
  readonly #locked = new Set<string>();
  readonly #refills = new SerialQueue();
  #closed = false;

  constructor(where: { base: string; scriptsDir: string; poolSize: number }, deps: DisksDeps) {
    this.#poolDir = join(where.base, 'pool');
    this.#templatesDir = join(where.base, 'templates');
    this.#scriptsDir = where.scriptsDir;
    this.#poolSize = where.poolSize;
    this.#deps = deps;
  }

  /** Makes `dir` (which must not exist): the folder of a sandbox, with a disk of this size. */
  async take(size: Size, dir: string): Promise<void> {
    this.#noteSize(size);
    for (const ready of await this.#ready(size)) {
      if ((await mountsBelow(ready)).length === 0) {
        await this.#discard(ready); // another program unmounted it, and the folder below has no size limit
        continue;
      }
      const claimed = await rename(ready, dir).then(
        () => true,
        () => false, // another sandbox took it
      );
      if (claimed) return;
    }
    await this.#make(size, dir);
  }

  /** Fills the pool and removes disks of sizes that are no longer requested. One refill runs at a time. No start should wait for it. */
  refill(size: Size): Promise<void> {
    const refilled = this.#refills.add(async () => {
      this.#noteSize(size);
      for (
        let missing = this.#poolSize - (await this.#ready(size)).length;
        missing > 0 && !this.#closed;
        missing -= 1
      ) {
        await this.#make(size, join(this.#poolDir, `${sizeName(size)}-${this.#deps.randomId()}`));
      }
      await this.#trim();
    });
    return refilled.catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'disks.pool_not_refilled');
    });
  }

  /** Removes unusable disks that a crash or a reboot left in the pool. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#poolDir).catch(() => [])) {
      const dir = join(this.#poolDir, name);
      if (this.#locked.has(dir)) continue;
      if (!name.startsWith(UNFINISHED) && (await mountsBelow(dir)).length > 0) continue;
      await this.#discard(dir).catch((error: unknown) =>
        this.#deps.log.warn({ dir, err: error }, 'disks.spare_not_removed'),
      );
    }
  }

  /** Removes incomplete templates of an earlier agent. Call it once, before the first take. */
  async sweepTemplates(): Promise<void> {
    const templates = await readdir(this.#templatesDir).catch(() => []);
    for (const name of templates.filter((each) => each.startsWith(NEW)))
      await rm(join(this.#templatesDir, name), { recursive: true, force: true });
  }

  /** Removes the whole pool. */
  async clear(): Promise<void> {
    this.#closed = true;
    await this.#refills.settled();
    for (const name of await readdir(this.#poolDir).catch(() => [])) await this.#discard(join(this.#poolDir, name));
  }

  #noteSize(size: Size): void {
    const name = sizeName(size);
    this.#recent = [name, ...this.#recent.filter((other) => other !== name)].slice(0, POOL_SIZES_MAX);
  }

  async #trim(): Promise<void> {
    const isOld = (name: string): boolean => !this.#recent.includes(name) && !this.#making.has(name);
    for (const name of await readdir(this.#poolDir).catch(() => [])) {
      if (name.startsWith(UNFINISHED) || !isOld(sizeOf(name))) continue;
      const dir = join(this.#poolDir, `${UNFINISHED}${this.#deps.randomId()}`); // no sandbox can take it under this name
      await this.#holding(dir, async () => {
        const isOurs = await rename(join(this.#poolDir, name), dir).then(
          () => true,
          () => false,
        );
        if (isOurs) await this.#discard(dir);
      });
    }
    for (const name of await readdir(this.#templatesDir).catch(() => [])) {
      const size = name.slice(0, -TEMPLATE.length);
      if (name.endsWith(TEMPLATE) && isOld(size)) await this.#removeTemplate(size);
    }
  }

  async #removeTemplate(size: string): Promise<void> {
    const removed = rm(this.#templateOf(size), { force: true }).finally(() => this.#removing.delete(size));
    this.#removing.set(size, removed);
    await removed;
  }

  #templateOf(size: string): string {
    return join(this.#templatesDir, `${size}${TEMPLATE}`);
  }

  async #discard(dir: string): Promise<void> {
    await unmountBelow(dir, this.#deps.run);
    await rm(dir, { recursive: true, force: true });
  }

  async #ready(size: Size): Promise<string[]> {
    const prefix = `${sizeName(size)}-`;
    const names = await readdir(this.#poolDir).catch(() => []);
    return names.filter((name) => name.startsWith(prefix)).map((name) => join(this.#poolDir, name));
  }

  /** Makes a disk in the pool and moves it to its target. */
  async #make(size: Size, target: string): Promise<void> {
    const name = sizeName(size);
    this.#making.set(name, (this.#making.get(name) ?? 0) + 1);
    try {
      await this.#makeFromTemplate(size, target);
    } finally {
      const left = (this.#making.get(name) ?? 1) - 1;
      if (left > 0) this.#making.set(name, left);
      else this.#making.delete(name);
    }
  }

  async #makeFromTemplate(size: Size, target: string): Promise<void> {
    const template = await this.#template(size);
    await mkdir(this.#poolDir, { recursive: true, mode: 0o711 });
    const dir = join(this.#poolDir, `${UNFINISHED}${this.#deps.randomId()}`);
    await this.#holding(dir, async () => {
      try {
        await runOk(this.#deps.run, {
          file: '/bin/sh',
          args: [join(this.#scriptsDir, 'disk.sh'), template, dir],
          timeoutMs: 60_000,
        });
        await rename(dir, target);
      } catch (error) {
        await this.#discard(dir);
        throw error;
      }
    });
  }

  /** A sweep does not touch the folder during the work. */
  async #holding(dir: string, work: () => Promise<void>): Promise<void> {
    this.#locked.add(dir);
    try {
      await work();
    } finally {
      this.#locked.delete(dir);
    }
  }

  /** An empty file system of this size, with the folders of the overlay. */
  async #template(size: Size): Promise<string> {
    const path = this.#templateOf(sizeName(size));
    await this.#removing.get(sizeName(size))?.catch(() => undefined); // the refill reports its failure
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
    await mkdir(this.#templatesDir, { recursive: true, mode: 0o700 });
    const temp = await mkdtemp(join(this.#templatesDir, NEW));
    try {
      for (const [name, mode] of [
        ['upper', 0o755],
        ['work', 0o755],
        ['tmp', 0o1777],
      ] as const) {
        await makeDir(join(temp, 'tree', name), mode);
      }
      const image = join(temp, 'image');
      await runOk(this.#deps.run, { file: 'truncate', args: ['--size', String(imageBytes(size)), image] });
      await runOk(this.#deps.run, {
        file: 'mkfs.ext4',
        args: [...mkfsArgs(size), '-d', join(temp, 'tree'), image],
        timeoutMs: 60_000,
      });
      await rename(image, path);
    } finally {
      await rm(temp, { recursive: true, force: true });
    }
    return path;
  }
}

async function makeDir(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}

function sizeName(size: Size): string {
  return `${String(size.diskBytes)}-${String(size.diskInodes)}`;
}

/** The size in the name of a ready disk. */
function sizeOf(name: string): string {
  return name.slice(0, name.lastIndexOf('-'));
}

const INODE_BYTES = 256;
/** Inodes for the file system and the overlay: reserved inodes, three folders, lost+found. */
const OWN_INODES = 32;

/** Includes the inode table and block groups, so that the app gets its full size. */
export function imageBytes(size: Size): number {
  const bytes = size.diskBytes + (size.diskInodes + OWN_INODES) * INODE_BYTES;
  return Math.ceil((bytes * 1.005 + 2 * 1024 * 1024) / 4096) * 4096;
}

/** Without a journal, because the file system ends with its sandbox. Without reserved blocks, because only the app uses it. */
export function mkfsArgs(size: Size): string[] {
  const inodes = String(size.diskInodes + OWN_INODES);
  return [
    '-q',
    '-F',
    '-b',
    '4096',
    '-I',
    String(INODE_BYTES),
    '-N',
    inodes,
    '-m',
    '0',
    '-O',
    '^has_journal,^resize_inode',
    '-L',
    'slipway',
  ];
}
