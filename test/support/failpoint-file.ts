import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file in which the processes of a fleet read at which failpoint they die. Every user of the machine can read it. */
export class FailpointFile {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<FailpointFile> {
    const file = new FailpointFile(await mkdtemp(join(tmpdir(), 'slipway-failpoints-')));
    await chmod(file.dir, 0o755);
    await file.killAt('');
    return file;
  }

  /** Environment of the processes. */
  get env(): Readonly<Record<string, string>> {
    return { SLIPWAY_FAILPOINTS_FILE: join(this.dir, 'failpoints') };
  }

  /** The next process that reaches this failpoint dies. Empty: none. */
  killAt(failpoint: string): Promise<void> {
    return writeFile(join(this.dir, 'failpoints'), failpoint);
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
