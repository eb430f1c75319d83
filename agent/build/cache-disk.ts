import { open, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import { imageBytes, mkfsArgs } from '../sandbox/files/disks.ts';
import { mountsBelow, unmountBelow } from '../sandbox/files/mounts.ts';

export interface CacheSize {
  readonly bytes: number;
  readonly inodes: number;
}

export interface CacheDiskDeps {
  readonly run: Run;
  readonly clock: Clock;
}

const TIMEOUT_MS = 60_000;
/** A starting process releases a mount sooner. */
const RELEASE_TIMEOUT_MS = 10_000;
const RELEASE_POLL_MS = 50;
const MOUNT_OPTIONS = 'loop,nosuid,nodev,noatime,noinit_itable,discard,errors=remount-ro';

/**
 * A build cache in its own file system, so a build that fills the cache fills nothing else on this machine. It is mounted while a build
 * runs. The image is sparse, and deleted files free its blocks.
 */
export class CacheDisk {
  readonly #image: string;
  readonly #mountPoint: string;
  readonly #size: CacheSize;
  readonly #run: Run;
  readonly #clock: Clock;

  /** @param size its capacity */
  constructor(home: string, size: CacheSize, deps: CacheDiskDeps) {
    this.#image = join(home, 'disk.img');
    this.#mountPoint = join(home, 'disk');
    this.#size = size;
    this.#run = deps.run;
    this.#clock = deps.clock;
  }

  /** A subfolder, because the root of the file system contains lost+found. */
  get folder(): string {
    return join(this.#mountPoint, 'cache');
  }

  /** Mounts the image. Makes a new one first if there is none, if its size is another one, or if a power cut left it mounted. */
  async open(): Promise<void> {
    if (await this.#isMounted()) return;
    await ensureDir(this.#mountPoint, 0o711);
    if (!(await this.#isWhole())) await this.#make();
    const args = ['-t', 'ext4', '-o', MOUNT_OPTIONS, '--', this.#image, this.#mountPoint];
    await runOk(this.#run, { file: 'mount', args, timeoutMs: TIMEOUT_MS });
  }

  /** Current usage; undefined if the cache is not mounted. */
  async used(): Promise<CacheSize | undefined> {
    if (!(await this.#isMounted())) return undefined;
    const { bsize, blocks, bfree, files, ffree } = await statfs(this.#mountPoint);
    return { bytes: (blocks - bfree) * bsize, inodes: files - ffree };
  }

  /**
   * Keeps the image. A busy mount is an error, and the clean-up tries again: a detached mount would still write to the image, and the next
   * build would mount the image a second time. If the next build starts first, it uses the mount that exists.
   */
  async close(): Promise<void> {
    if (await this.#isMounted())
      await runOk(this.#run, { file: 'umount', args: ['--', this.#mountPoint], timeoutMs: TIMEOUT_MS });
  }

  /** Deletes the image. A busy mount is detached, which is safe here: the next build makes a new image. */
  async discard(): Promise<void> {
    await unmountBelow(this.#mountPoint, this.#run);
    await rm(this.#image, { force: true });
  }

  get #bytes(): number {
    return imageBytes({ diskBytes: this.#size.bytes, diskInodes: this.#size.inodes });
  }

  async #isMounted(): Promise<boolean> {
    return (await mountsBelow(this.#mountPoint)).includes(this.#mountPoint);
  }

  async #isWhole(): Promise<boolean> {
    if (await isWhole(this.#image, this.#bytes)) return true;
    await this.#untilReleased();
    return await isWhole(this.#image, this.#bytes);
  }

  /**
   * A process with a new mount namespace gets a copy of every mount. The file system stays mounted, and its image incomplete, until the process
   * has removed the copy. Each sandbox does this during its start.
   */
  async #untilReleased(): Promise<void> {
    const endMs = this.#clock.monotonicMs() + RELEASE_TIMEOUT_MS;
    while ((await this.#loopDevices()) !== '' && this.#clock.monotonicMs() < endMs)
      await this.#clock.sleep(RELEASE_POLL_MS);
  }

  async #loopDevices(): Promise<string> {
    const args = ['--associated', this.#image, '--noheadings', '--output', 'NAME'];
    return (await this.#run({ file: 'losetup', args, timeoutMs: TIMEOUT_MS })).stdout;
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

/** Position of s_state in the ext4 superblock. Bit 0 is set by a clean unmount and cleared while the file system is mounted. */
const STATE_OFFSET = 1024 + 0x3a;

/** True if the image has this size and was unmounted in order. Without a journal, any other image may be damaged. */
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
