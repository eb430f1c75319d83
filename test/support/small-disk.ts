import { rmSync } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
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

  /** Fills the disk, also with room that others free meanwhile. It never frees room, so no writer finds room again. */
  async fill(): Promise<void> {
    const filler = await open(join(this.dir, 'filler'), 'a');
    try {
      for (const size of [1024 * 1024, 4096]) await writeUntilFull(filler, Buffer.alloc(size));
    } finally {
      await filler.close();
    }
  }

  makeRoom(): void {
    rmSync(join(this.dir, 'filler'), { force: true });
  }

  async unmount(): Promise<void> {
    await runOk(run, { file: 'umount', args: [this.dir] });
  }
}

async function writeUntilFull(file: FileHandle, chunk: Buffer): Promise<void> {
  for (;;) {
    const written = await file.write(chunk).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      return undefined;
    });
    if (written === undefined) return;
  }
}
