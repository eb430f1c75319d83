import { once, EventEmitter } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildId } from '../../shared/domain/ids.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { isErrno } from '../../shared/kit/errors.ts';

/** Keeps the output of each build in a file. The file can be read while it grows. */
export class BuildLogs {
  readonly #dir: string;
  /** Builds that are being written. Each emits `grown` after a write and at the end. */
  readonly #open = new Map<string, EventEmitter>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async writer(buildId: BuildId): Promise<BuildLogWriter> {
    await ensureDir(this.#dir, 0o700);
    const stream = createWriteStream(this.#path(buildId), { flags: 'a', mode: 0o600 });
    stream.on('error', () => undefined); // when the disk is full, log lines are lost but the build goes on
    const growth = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
    this.#open.set(buildId, growth);
    return {
      write: (chunk) => stream.write(chunk, () => growth.emit('grown')),
      end: () => this.#end(buildId, stream),
    };
  }

  async #end(buildId: BuildId, stream: WriteStream): Promise<void> {
    if (!stream.destroyed) {
      stream.end();
      await once(stream, 'close').catch(() => undefined);
    }
    const growth = this.#open.get(buildId);
    this.#open.delete(buildId);
    growth?.emit('grown');
  }

  async remove(buildIds: readonly BuildId[]): Promise<void> {
    for (const id of buildIds) await rm(this.#path(id), { force: true });
  }

  /** The output so far. With `follow` also the output until the build ends. Undefined when there is no output. */
  async read(buildId: BuildId, follow: boolean, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      await stat(this.#path(buildId));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
    return this.#chunks(buildId, follow, signal);
  }

  async *#chunks(buildId: BuildId, follow: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = this.#path(buildId);
    let offset = 0;
    for (;;) {
      const growth = follow ? this.#open.get(buildId) : undefined;
      const grown = growth === undefined ? undefined : once(growth, 'grown', { signal }).catch(() => undefined);
      for await (const chunk of createReadStream(path, { start: offset }) as AsyncIterable<Buffer>) {
        offset += chunk.length;
        yield chunk;
      }
      if (grown === undefined || signal.aborted) return;
      await grown;
    }
  }

  /** Removes the output of builds that do not exist any more. @param unknown returns the ids that belong to no build */
  async removeUnknown(unknown: (ids: readonly string[]) => Promise<readonly string[]>): Promise<void> {
    const names = await readdir(this.#dir);
    const ids = names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, -'.log'.length));
    for (const id of await unknown(ids)) if (!this.#open.has(id)) await rm(this.#path(id as BuildId), { force: true });
  }

  #path(buildId: BuildId): string {
    return join(this.#dir, `${buildId}.log`);
  }
}

export interface BuildLogWriter {
  write(chunk: string | Uint8Array): void;
  end(): Promise<void>;
}
