import type { UnreadableRequest, UnreadableRequests } from '../../shared/domain/unreadable-requests.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { FolderReader, type Followed } from './folder-reader.ts';
import { CHUNK_BYTES, openEnd, taiOffset } from './log-folder.ts';
import { takeTimestamp } from './timestamp.ts';

/** One look reads no more than this, so that a flood of requests costs the agent little. The next look goes on from there. */
const LOOK_BYTES_MAX = 8 * 1024 * 1024;

export interface UnreadableCountDeps {
  /** Folder of the proxy's access log. */
  readonly dir: string;
  /** Every line of an unreadable request contains it. A search for bytes is much cheaper than the parser. */
  readonly mark: string;
  /** The proxy's own parser: why the request of this line was refused; `undefined` for other lines. */
  readonly causeOf: (text: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Counts the requests that the proxy could not read, from its log. It reads only when it is asked, not at every line: a busy proxy writes
 * thousands of lines in a second. Lines that were rotated away before a look are not counted.
 */
export class UnreadableCount {
  readonly #deps: UnreadableCountDeps;
  readonly #mark: Buffer;
  #reader: FolderReader | undefined;
  #look: Promise<void> | undefined;
  #count = 0;
  #last: UnreadableRequest | undefined;

  constructor(deps: UnreadableCountDeps) {
    this.#deps = deps;
    this.#mark = Buffer.from(deps.mark);
  }

  /** Starts at the end of the log: older lines belong to an earlier start of the agent. Never rejects, as `look`. */
  async open(): Promise<void> {
    const { dir, log } = this.#deps;
    const failed = (error: unknown): void => log.warn({ err: error }, 'proxy.log_not_read');
    await openEnd(dir).then((end) => (this.#reader = new FolderReader(dir, end)), failed);
  }

  async close(): Promise<void> {
    await this.#look;
    await this.#reader?.close();
    this.#reader = undefined;
  }

  /** As of the last look; absent when the node keeps no log of its proxy. */
  current(): UnreadableRequests | undefined {
    return this.#reader?.isOpen === true ? { count: this.#count, last: this.#last } : undefined;
  }

  /** Reads what is new. Never rejects: nothing else of the agent depends on this count. */
  look(): Promise<void> {
    this.#look ??= this.#read()
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, 'proxy.log_not_read'))
      .finally(() => (this.#look = undefined));
    return this.#look;
  }

  async #read(): Promise<void> {
    const reader = this.#reader;
    if (reader === undefined) return;
    const offset = await taiOffset(this.#deps.dir);
    for (let read = 0; read < LOOK_BYTES_MAX; read += CHUNK_BYTES) {
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
