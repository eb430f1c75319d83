import { StringDecoder } from 'node:string_decoder';
import type { TaskId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { countLines } from '../../shared/kit/count-lines.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import type { CommandStore } from '../store/command-port.ts';

export interface CommandOutputDeps {
  readonly store: Pick<CommandStore, 'appendCommandOutput'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A commit of the database for each chunk would be slow. */
const WRITE_EVERY_MS = 500;

/** Stores the output of one command, a little later than it arrives, and passes it to those who watch. */
export class CommandOutput {
  readonly #deps: CommandOutputDeps;
  readonly #id: TaskId;
  readonly #decoder = new StringDecoder('utf8');
  readonly #listeners = new Set<(text: string) => void>();
  readonly #storedListeners = new Set<() => void>();
  readonly #writes = new SerialQueue();
  #waiting = { text: '', bytes: 0, lines: 0 };
  #isPlanned = false;
  bytes: number;
  lines: number;

  constructor(deps: CommandOutputDeps, id: TaskId, before: { readonly bytes: number; readonly lines: number }) {
    this.#deps = deps;
    this.#id = id;
    this.bytes = before.bytes;
    this.lines = before.lines;
  }

  watch(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the listener when more output is in the database. @returns the function that unsubscribes */
  onStored(listener: () => void): () => void {
    this.#storedListeners.add(listener);
    return () => this.#storedListeners.delete(listener);
  }

  take(chunk: Uint8Array): void {
    const lines = countLines(chunk);
    this.bytes += chunk.length;
    this.lines += lines;
    const text = this.#decoder.write(Buffer.from(chunk));
    const { text: before, bytes, lines: linesBefore } = this.#waiting;
    this.#waiting = { text: before + text, bytes: bytes + chunk.length, lines: linesBefore + lines };
    this.tell(text);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    void this.#deps.clock.sleep(WRITE_EVERY_MS).then(() => {
      this.#isPlanned = false;
      return this.flush();
    });
  }

  /** A line of the controller for those who watch. */
  tell(text: string): void {
    for (const listener of this.#listeners) listener(text);
  }

  /** Never rejects: the output is a copy, and the log of the app has it too. */
  flush(): Promise<void> {
    return this.#writes.add(async () => {
      const added = this.#waiting;
      if (added.bytes === 0) return;
      this.#waiting = { text: '', bytes: 0, lines: 0 };
      await this.#deps.store.appendCommandOutput(this.#id, added).catch((error: unknown) => {
        this.#deps.logger.warn({ task: this.#id, err: error }, 'command.output_not_stored');
      });
      for (const listener of this.#storedListeners) listener();
    });
  }
}
