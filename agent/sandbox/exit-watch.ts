import { existsSync, watch, type FSWatcher } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

export type ExitListener = (id: string) => void;

/** Notifies listeners when a sandbox has ended. One inotify watch on the folder of exit files serves all sandboxes. */
export class ExitWatch {
  readonly #dir: string;
  /** Resolves when all output of a sandbox has been read. Listeners are called after that. */
  readonly #settled: (id: string) => Promise<void>;
  readonly #listeners = new Set<ExitListener>();
  #watcher: FSWatcher | undefined;

  constructor(dir: string, settled: (id: string) => Promise<void>) {
    this.#dir = dir;
    this.#settled = settled;
  }

  async ensureDir(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    if (this.#listeners.size > 0) this.#open();
  }

  add(listener: ExitListener): () => void {
    this.#listeners.add(listener);
    this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
  }

  #open(): void {
    if (this.#watcher !== undefined || !existsSync(this.#dir)) return;
    this.#watcher = watch(this.#dir, { persistent: false }, (_event, name) => {
      if (name !== null && /^[a-z0-9]{8,26}$/.test(name) && existsSync(join(this.#dir, name))) void this.#notify(name);
    });
    this.#watcher.on('error', () => this.#close()); // the folder was removed; ensureDir opens it again
  }

  #close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #notify(id: string): Promise<void> {
    await this.#settled(id);
    for (const listener of this.#listeners) listener(id);
  }
}
