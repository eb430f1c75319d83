interface SharedDownload {
  readonly done: Promise<void>;
  readonly controller: AbortController;
  callers: number;
}

/**
 * Callers with the same key share one download. It is aborted when the last caller has aborted.
 * An aborted download ends before a new one with the same key starts.
 */
export class SharedDownloads {
  readonly #downloads = new Map<string, SharedDownload>();
  readonly #ending = new Map<string, Promise<void>>();

  async join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    const download = this.#downloads.get(key) ?? this.#start(key, start);
    download.callers += 1;
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([download.done, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      download.callers -= 1;
      if (download.callers === 0) this.#abort(key, download);
    }
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<void>): SharedDownload {
    const controller = new AbortController();
    const previous = this.#ending.get(key) ?? Promise.resolve();
    const download: SharedDownload = { done: previous.then(() => start(controller.signal)), controller, callers: 0 };
    const ended: Promise<void> = download.done.catch(() => undefined).then(() => this.#remove(key, download, ended));
    this.#downloads.set(key, download);
    this.#ending.set(key, ended);
    return download;
  }

  #abort(key: string, download: SharedDownload): void {
    download.controller.abort();
    if (this.#downloads.get(key) === download) this.#downloads.delete(key);
  }

  #remove(key: string, download: SharedDownload, ended: Promise<void>): void {
    if (this.#downloads.get(key) === download) this.#downloads.delete(key);
    if (this.#ending.get(key) === ended) this.#ending.delete(key);
  }
}
