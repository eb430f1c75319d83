import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

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

  /** Takes all the room there is. */
  async fill(): Promise<void> {
    const { bavail, bsize } = statfsSync(this.dir);
    if (bavail > 0) await runOk(run, { file: 'fallocate', args: ['-l', String(bavail * bsize), join(this.dir, 'filler')] });
    this.#takeTheRest();
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
