import { open, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import { imageBytes, mkfsArgs } from '../sandbox/files/disks.ts';
import { mountsBelow } from '../sandbox/files/mounts.ts';

export interface CacheSize {
  readonly bytes: number;
  readonly inodes: number;
}

const TIMEOUT_MS = 60_000;
const MOUNT_OPTIONS = 'loop,nosuid,nodev,noatime,noinit_itable,discard,errors=remount-ro';

/**
 * A build cache on a disk of its own: a build that fills it fills nothing else of this machine. Mounted while a build runs; the image
 * is sparse, and gives back what is deleted in it.
 */
export class CacheDisk {
  readonly #image: string;
  readonly #mountPoint: string;
  readonly #size: CacheSize;
  readonly #run: Run;

  /** @param size what it can hold */
  constructor(home: string, size: CacheSize, run: Run) {
    this.#image = join(home, 'disk.img');
    this.#mountPoint = join(home, 'disk');
    this.#size = size;
    this.#run = run;
  }

  /** Below the mount point: a file system has a lost+found, and a cache has not. */
  get folder(): string {
    return join(this.#mountPoint, 'cache');
  }

  /** Mounts it, made anew where there is none, or one of another size, or one that a power cut left in the middle of something. */
  async open(): Promise<void> {
    if (await this.#isMounted()) return;
    await ensureDir(this.#mountPoint, 0o711);
    if (!(await isWhole(this.#image, this.#bytes))) await this.#make();
    const args = ['-t', 'ext4', '-o', MOUNT_OPTIONS, '--', this.#image, this.#mountPoint];
    await runOk(this.#run, { file: 'mount', args, timeoutMs: TIMEOUT_MS });
  }

  /** What is in it now. */
  async used(): Promise<CacheSize> {
    const { bsize, blocks, bfree, files, ffree } = await statfs(this.#mountPoint);
    return { bytes: (blocks - bfree) * bsize, inodes: files - ffree };
  }

  /** Never detached lazily: the next build would mount the image a second time beside a first that still lives. */
  async close(): Promise<void> {
    if (await this.#isMounted())
      await runOk(this.#run, { file: 'umount', args: ['--', this.#mountPoint], timeoutMs: TIMEOUT_MS });
  }

  async discard(): Promise<void> {
    await this.close();
    await rm(this.#image, { force: true });
  }

  get #bytes(): number {
    return imageBytes({ diskBytes: this.#size.bytes, diskInodes: this.#size.inodes });
  }

  async #isMounted(): Promise<boolean> {
    return (await mountsBelow(this.#mountPoint)).includes(this.#mountPoint);
  }

  async #make(): Promise<void> {
    const making = `${this.#image}.making`;
    await rm(making, { force: true });
    await runOk(this.#run, { file: 'truncate', args: ['--size', String(this.#bytes), making] });
    const args = [...mkfsArgs({ diskBytes: this.#size.bytes, diskInodes: this.#size.inodes }), making];
    await runOk(this.#run, { file: 'mkfs.ext4', args, timeoutMs: TIMEOUT_MS });
    await rename(making, this.#image);
  }
}

/** Where ext4 notes that it was unmounted as it should be: bit 0 of s_state in the superblock, cleared while it is mounted. */
const STATE_OFFSET = 1024 + 0x3a;

/** There, of this size, and unmounted in order: without a journal another one may hold anything. */
async function isWhole(image: string, bytes: number): Promise<boolean> {
  const file = await open(image, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const state = Buffer.alloc(2);
    await file.read(state, 0, 2, STATE_OFFSET);
    return (await file.stat()).size === bytes && (state.readUInt16LE(0) & 1) === 1;
  } finally {
    await file.close();
  }
}
