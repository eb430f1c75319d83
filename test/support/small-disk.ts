import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

/** Less is taken page by page. */
const SMALLEST_BYTES = 64 * 1024;

/** A folder on a file system of its own that a test can fill to the last byte. */
export class SmallDisk {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async mount(dir: string, mebibytes: number): Promise<SmallDisk> {
    await mkdir(dir, { recursive: true });
    const options = `size=${String(mebibytes)}m,mode=0711`;
    await runOk(run, { file: 'mount', args: ['-t', 'tmpfs', '-o', options, 'slipway-test', dir] });
    return new SmallDisk(dir);
  }

  /** Takes all the room there is, also while others take and give back some of it: what cannot be had at once is halved and asked for again. */
  async fill(): Promise<void> {
    const filler = join(this.dir, 'filler');
    for (let bytes = this.#freeBytes(); bytes >= SMALLEST_BYTES; bytes = Math.min(bytes, this.#freeBytes())) {
      const offset = statSync(filler, { throwIfNoEntry: false })?.size ?? 0;
      const args = ['--offset', String(offset), '--length', String(bytes), filler];
      const { code } = await run({ file: 'fallocate', args });
      if (code !== 0) bytes = Math.floor(bytes / 2);
    }
    this.#takeTheRest();
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.dir);
    return bavail * bsize;
  }

  #takeTheRest(): void {
    const file = openSync(join(this.dir, 'filler'), 'a');
    const page = Buffer.alloc(4096);
    try {
      for (;;) writeSync(file, page);
    } catch {
      // full
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(join(this.dir, 'filler'), { force: true });
  }

  async unmount(): Promise<void> {
    await runOk(run, { file: 'umount', args: [this.dir] });
  }
}
