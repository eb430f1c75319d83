import { FolderReader, type Followed } from '../logs/folder-reader.ts';
import { followFolder } from '../logs/follow-folder.ts';
import { taiOffset } from '../logs/log-folder.ts';
import { takeTimestamp } from '../logs/timestamp.ts';

export interface CommandLogRequest {
  /** Folder of the log of the sandbox. */
  readonly dir: string;
  /** Bytes of output that were read before, for example by an earlier agent. */
  readonly skipBytes: number;
  readonly limitBytes: number;
  /** Printed instead of the output beyond the limit. */
  readonly limitNotice: string;
  /** Aborts when the command has ended. Then the rest of the log is read. */
  readonly ended: AbortSignal;
  readonly emit: (chunk: Uint8Array) => void;
}

/**
 * Reads the output of a command from its log, so that the output outlives the agent. The same log always gives the same bytes, so a position
 * in bytes is enough to continue.
 */
export async function readCommandLog(request: CommandLogRequest): Promise<void> {
  const { dir, ended, skipBytes } = request;
  const sink = new Sink(request, skipBytes);
  const offset = await taiOffset(dir);
  for await (const followed of followFolder(dir, undefined, ended)) {
    sink.take(followed, offset);
    if (sink.isFull) return;
  }
  if (!ended.aborted) return; // the log was removed
  const rest = new Sink(request, Math.max(skipBytes, sink.position));
  const reader = new FolderReader(dir, undefined);
  try {
    for (;;) {
      const step = await reader.step();
      for (const followed of step.followed) rest.take(followed, offset);
      if (!step.moved || rest.isFull) return;
    }
  } finally {
    await reader.close();
  }
}

class Sink {
  readonly #request: CommandLogRequest;
  readonly #skipBytes: number;
  /** Bytes of the whole output so far, with those that were skipped. */
  position = 0;
  isFull = false;

  constructor(request: CommandLogRequest, skipBytes: number) {
    this.#request = request;
    this.#skipBytes = skipBytes;
  }

  take(followed: Followed, offset: bigint): void {
    // A gap means that the log has rotated, which is far beyond the limit.
    if (followed.kind === 'gap') this.#close();
    else for (const line of followed.lines) this.#line(takeTimestamp(line, offset).text);
  }

  #line(text: Buffer): void {
    if (this.isFull) return;
    const end = this.position + text.length + 1;
    if (end > this.#request.limitBytes) {
      this.#close();
      return;
    }
    if (end > this.#skipBytes) {
      const chunk = Buffer.concat([text, NEWLINE]);
      this.#request.emit(chunk.subarray(Math.max(0, this.#skipBytes - this.position)));
    }
    this.position = end;
  }

  #close(): void {
    if (this.isFull) return;
    this.isFull = true;
    if (this.#skipBytes <= this.position) this.#request.emit(Buffer.from(this.#request.limitNotice));
  }
}

const NEWLINE = Buffer.from('\n');
