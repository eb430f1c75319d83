import type { UnreadableRequest, UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { FolderReader, type Followed } from './folder-reader.ts';
import { CHUNK_BYTES, openEnd, taiOffset } from './log-folder.ts';
import { takeTimestamp } from './timestamp.ts';

/** One update reads at most this much, so that many requests cost the agent little. The next update continues from there. */
const UPDATE_BYTES_MAX = 8 * 1024 * 1024;

export interface UnreadableCountDeps {
  /** Folder of the proxy's access log. */
  readonly dir: string;
  /** A text that every line of an unreadable request contains. A search for it is much faster than the parser. */
  readonly mark: string;
  /** The parser of the proxy: why it refused the request of this line; `undefined` for other lines. */
  readonly causeOf: (text: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Counts the requests that the proxy could not read, from its log. It reads only in `update`, not at every line, because a busy proxy writes
 * thousands of lines in a second. Lines that were rotated away before an update are not counted.
 */
export class UnreadableCount {
  readonly #deps: UnreadableCountDeps;
  readonly #mark: Buffer;
  #reader: FolderReader | undefined;
  #update: Promise<void> | undefined;
  #count = 0;
  #last: UnreadableRequest | undefined;

  constructor(deps: UnreadableCountDeps) {
    this.#deps = deps;
    this.#mark = Buffer.from(deps.mark);
  }

  /** Starts at the end of the log, because older lines belong to an earlier start of the agent. Never rejects. */
  async open(): Promise<void> {
    const { dir, log } = this.#deps;
    const failed = (error: unknown): void => log.warn({ err: error }, 'proxy.log_not_read');
    await openEnd(dir).then((end) => (this.#reader = new FolderReader(dir, end)), failed);
  }

  async close(): Promise<void> {
    await this.#update;
    await this.#reader?.close();
    this.#reader = undefined;
  }

  /** The count of the last update; absent when the proxy of this node has no log. */
  current(): UnreadableRequests | undefined {
    return this.#reader?.isOpen === true ? { count: this.#count, last: this.#last } : undefined;
  }

  /** Reads the new lines. Never rejects, because nothing else of the agent depends on this count. */
  update(): Promise<void> {
    this.#update ??= this.#read()
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, 'proxy.log_not_read'))
      .finally(() => (this.#update = undefined));
    return this.#update;
  }

  async #read(): Promise<void> {
    const reader = this.#reader;
    if (reader === undefined) return;
    const offset = await taiOffset(this.#deps.dir);
    for (let read = 0; read < UPDATE_BYTES_MAX; read += CHUNK_BYTES) {
      const step = await reader.step();
      for (const followed of step.followed) this.#take(followed, offset);
      if (!step.moved) return;
    }
  }

  #take(followed: Followed, taiOffsetSeconds: bigint): void {
    if (followed.kind === 'gap') return;
    for (const line of followed.lines) {
      if (!line.includes(this.#mark)) continue;
      const { atMs = this.#deps.clock.nowMs(), text } = takeTimestamp(line, taiOffsetSeconds);
      const cause = this.#deps.causeOf(text.toString('utf8'));
      if (cause === undefined) continue;
      this.#count += 1;
      this.#last = { atMs, cause };
    }
  }
}
