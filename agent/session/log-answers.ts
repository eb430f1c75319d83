import { toReason } from '../../shared/domain/instance.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { LogChunk, LogQueryMessage } from '../../shared/rpc/messages.ts';
import type { SessionHandlers } from './port.ts';

const MAX_QUERIES = 32;
const BATCH_LINES = 200;
const BATCH_CHARACTERS = 1024 * 1024;
const HIGH_LINES = 1_000;

export interface LogAnswersDeps {
  readonly queryLogs: SessionHandlers['queryLogs'];
  /** Resolves when the stream has taken the chunk. */
  readonly send: (chunk: LogChunk) => Promise<void>;
}

/** Answers the log queries of one session. A reader is no faster than the stream. */
export class LogAnswers {
  readonly #deps: LogAnswersDeps;
  readonly #open = new Map<string, AbortController>();

  constructor(deps: LogAnswersDeps) {
    this.#deps = deps;
  }

  start(query: LogQueryMessage): void {
    const cancel = new AbortController();
    if (this.#open.size >= MAX_QUERIES) {
      const failure = { code: 'SLIP_LOGS_BUSY', message: 'This node answers too many log queries at the same time.' };
      void this.#deps.send({ kind: 'logChunk', queryId: query.queryId, lines: [], end: true, failure });
      return;
    }
    this.#open.set(query.queryId, cancel);
    void this.#answer(query, cancel.signal).finally(() => this.#open.delete(query.queryId));
  }

  cancel(queryId: string): void {
    this.#open.get(queryId)?.abort();
  }

  close(): void {
    for (const cancel of this.#open.values()) cancel.abort();
  }

  async #answer(query: LogQueryMessage, signal: AbortSignal): Promise<void> {
    const end: LogChunk = { kind: 'logChunk', queryId: query.queryId, lines: [], end: true };
    try {
      await this.#stream(query, signal);
      if (!signal.aborted) await this.#deps.send(end);
    } catch (error) {
      if (!signal.aborted) await this.#deps.send({ ...end, failure: toReason(error) });
    }
  }

  async #stream(query: LogQueryMessage, signal: AbortSignal): Promise<void> {
    const waiting: LogLine[] = [];
    let flushing: Promise<void> | undefined;
    const flush = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve)); // lines of one turn travel together
      while (waiting.length > 0 && !signal.aborted) {
        await this.#deps.send({ kind: 'logChunk', queryId: query.queryId, lines: takeBatch(waiting), end: false });
      }
      flushing = undefined;
    };
    const { app, appId, process, source, lines, follow } = query;
    for await (const line of this.#deps.queryLogs({ app, appId, process, source, lines, follow }, signal)) {
      if (signal.aborted) return;
      waiting.push(line);
      flushing ??= flush();
      if (waiting.length >= HIGH_LINES) await flushing;
    }
    await flushing;
  }
}

/** A batch that is well below the size limit of a message. */
function takeBatch(waiting: LogLine[]): readonly LogLine[] {
  let [count, characters] = [0, 0];
  for (const line of waiting) {
    if (count === BATCH_LINES || (count > 0 && characters + line.message.length > BATCH_CHARACTERS)) break;
    count += 1;
    characters += line.message.length;
  }
  return waiting.splice(0, count);
}
