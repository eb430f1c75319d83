import { existsSync } from 'node:fs';
import { appendFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { isErrno } from '../../shared/kit/errors.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { rotatedFiles } from './log-folder.ts';

/** One small rotating folder for each app with the platform's own lines, in the format of the other log folders. */
export class PlatformLog {
  readonly #dir: string;
  readonly #fileBytesMax: number;
  readonly #files: number;
  readonly #queue = new KeyedQueue();

  constructor(dir: string, limits: { readonly fileBytesMax: number; readonly files: number }) {
    this.#dir = dir;
    this.#fileBytesMax = limits.fileBytesMax;
    this.#files = limits.files;
  }

  dirOf(appId: string): string {
    return join(this.#dir, appId);
  }

  append(
    appId: string,
    line: { readonly atMs: number; readonly process: string; readonly message: string },
  ): Promise<void> {
    const text = `${new Date(line.atMs).toISOString()} ${oneWord(line.process)} ${oneLine(line.message)}\n`;
    return this.#queue.enqueue(appId, async () => {
      const dir = this.dirOf(appId);
      await ensureDir(dir, 0o750);
      await this.#rotateIfFull(dir, line.atMs);
      await appendFile(join(dir, 'current'), text, { mode: 0o640 });
    });
  }

  /** Waits for the lines that are being written. */
  has(appId: string): Promise<boolean> {
    return this.#queue.enqueue(appId, async () => existsSync(this.dirOf(appId)));
  }

  remove(appId: string): Promise<void> {
    return this.#queue.enqueue(appId, () => rm(this.dirOf(appId), { recursive: true, force: true }));
  }

  async #rotateIfFull(dir: string, nowMs: number): Promise<void> {
    if ((await sizeOf(join(dir, 'current'))) < this.#fileBytesMax) return;
    const rotated = await rotatedFiles(dir);
    // Names sort by time. After the clock was set back, the newest file must still have the last name.
    const last = rotated.at(-1);
    const stamp = Math.max(nowMs, last === undefined ? 0 : parseInt(last.slice(1, 17), 16) + 1);
    await rename(join(dir, 'current'), join(dir, `@${stamp.toString(16).padStart(16, '0')}.s`));
    const kept = Math.max(this.#files - 2, 0);
    for (const name of rotated.slice(0, Math.max(rotated.length - kept, 0))) await rm(join(dir, name), { force: true });
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}

function oneWord(text: string): string {
  return text.replaceAll(/[^\w.:-]/g, '_') || '-';
}

function oneLine(text: string): string {
  return text
    .trimEnd()
    .replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')
    .slice(0, 10_000);
}
