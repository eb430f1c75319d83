import type { TaskId } from '../../shared/domain/ids.ts';
import { countLines } from '../../shared/kit/count-lines.ts';
import type { TaskProgress } from '../../shared/rpc/messages.ts';

/** Output bytes that are kept while the stream is full or closed. */
export const MAX_PENDING_OUTPUT_BYTES = 8 * 1024 * 1024;
/** Bytes of sent output that are kept for each task: more than a connection holds in transit. */
export const MAX_SENT_OUTPUT_BYTES = 1024 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024;

interface Piece {
  readonly taskId: TaskId;
  readonly chunk: Uint8Array;
}

/** The sent output of one task. The counts include marks. */
interface Sent {
  /** Bytes and lines before the first kept chunk. */
  bytes: number;
  lines: number;
  kept: Uint8Array[];
  keptBytes: number;
}

/** Output of tasks that waits to be sent, and the end of the sent output, in case that it did not arrive. Bounded in bytes. */
export class TaskOutputs {
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #droppedLines = 0;
  readonly #sent = new Map<TaskId, Sent>();

  add(taskId: TaskId, chunk: Uint8Array): void {
    if (this.#waitingBytes + chunk.length > MAX_PENDING_OUTPUT_BYTES) {
      this.#droppedLines += Math.max(1, countLines(chunk));
      return;
    }
    if (this.#droppedLines > 0) this.#append({ taskId, chunk: leftOut(this.#droppedLines) });
    this.#droppedLines = 0;
    this.#append({ taskId, chunk });
  }

  /** The next message. Small chunks of one task are joined. */
  next(): Piece | undefined {
    const taskId = this.#waiting[0]?.taskId;
    if (taskId === undefined) return undefined;
    let [count, bytes] = [0, 0];
    for (const one of this.#waiting) {
      if (one.taskId !== taskId || bytes + one.chunk.length > MAX_CHUNK_BYTES) break;
      count += 1;
      bytes += one.chunk.length;
    }
    const chunk = Buffer.concat(this.#waiting.splice(0, count).map((one) => one.chunk));
    this.#waitingBytes -= bytes;
    this.#keep(taskId, chunk);
    return { taskId, chunk };
  }

  /** At the start of a session: output that the controller has not received is sent first, in its order. */
  resume(progress: readonly TaskProgress[]): void {
    const again = progress.flatMap(({ taskId, outputBytes, outputLines }): Piece[] => {
      const sent = this.#sent.get(taskId);
      this.#sent.set(taskId, { bytes: outputBytes, lines: outputLines, kept: [], keptBytes: 0 });
      return sent === undefined ? [] : missing(sent, { outputBytes, outputLines }).map((chunk) => ({ taskId, chunk }));
    });
    this.#waiting.unshift(...again);
    for (const { chunk } of again) this.#waitingBytes += chunk.length;
  }

  /** The task has ended, and all of its output has arrived. */
  drop(taskId: TaskId): void {
    this.#sent.delete(taskId);
  }

  #append({ taskId, chunk }: Piece): void {
    for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES)
      this.#waiting.push({ taskId, chunk: chunk.subarray(at, at + MAX_CHUNK_BYTES) });
    this.#waitingBytes += chunk.length;
  }

  #keep(taskId: TaskId, chunk: Uint8Array): void {
    const sent = this.#sent.get(taskId) ?? { bytes: 0, lines: 0, kept: [], keptBytes: 0 };
    this.#sent.set(taskId, sent);
    sent.kept.push(chunk);
    sent.keptBytes += chunk.length;
    if (sent.keptBytes > MAX_SENT_OUTPUT_BYTES) dropOldestHalf(sent);
  }
}

/** Removes many chunks at once, because it is slow to remove each small chunk from a long list. */
function dropOldestHalf(sent: Sent): void {
  let count = 0;
  for (const oldest of sent.kept) {
    if (sent.keptBytes <= MAX_SENT_OUTPUT_BYTES / 2) break;
    count += 1;
    sent.keptBytes -= oldest.length;
    sent.bytes += oldest.length;
    sent.lines += countLines(oldest);
  }
  sent.kept.splice(0, count);
}

/** The chunks that did not arrive, after a mark for those that are no longer kept. */
function missing(
  sent: Sent,
  arrived: { readonly outputBytes: number; readonly outputLines: number },
): readonly Uint8Array[] {
  if (arrived.outputBytes < sent.bytes) return [leftOut(Math.max(1, sent.lines - arrived.outputLines)), ...sent.kept];
  let skip = arrived.outputBytes - sent.bytes;
  return sent.kept.flatMap((chunk) => {
    const rest = chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
    return rest.length === 0 ? [] : [rest];
  });
}

function leftOut(lines: number): Uint8Array {
  return Buffer.from(`\n[${lines === 1 ? '1 line' : `${String(lines)} lines`} of the build's output left out]\n`);
}
