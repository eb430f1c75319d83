import type { BuildResult } from '../../shared/domain/build.ts';
import type { InstanceId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { AgentMessage, LogChunk } from '../../shared/rpc/messages.ts';

/** Output bytes kept while the stream is full or away. */
export const MAX_PENDING_OUTPUT_BYTES = 8 * 1024 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024;
const MAX_CONTROL = 1_000;

interface Kept {
  readonly outcome: BuildResult | Reason;
  /** Monotonic ms at which this session's stream took it; absent: still to be sent on this session. */
  sentAtMs: number | undefined;
}

/**
 * What waits to be sent, in the order it should go: control before reports before build output before logs. Bounded:
 * reports coalesce per instance, output beyond the limit is dropped with a mark, results are few and kept.
 */
export class Outbox {
  #control: AgentMessage[] = [];
  readonly #reports = new Map<InstanceId, InstanceStatus>();
  #output: { readonly taskId: TaskId; readonly chunk: Uint8Array }[] = [];
  #outputBytes = 0;
  #droppedBytes = 0;
  readonly #results = new Map<TaskId, Kept>();
  #logs: { readonly chunk: LogChunk; readonly taken: () => void }[] = [];

  /** Acknowledgements, heartbeats, events. */
  control(message: AgentMessage): void {
    if (message.kind === 'heartbeat') this.#control = this.#control.filter((one) => one.kind !== 'heartbeat');
    if (this.#control.length < MAX_CONTROL) this.#control.push(message);
  }

  report(statuses: readonly InstanceStatus[]): void {
    for (const status of statuses) this.#reports.set(status.instanceId, status);
  }

  output(taskId: TaskId, chunk: Uint8Array): void {
    if (this.#outputBytes + chunk.length > MAX_PENDING_OUTPUT_BYTES) {
      this.#droppedBytes += chunk.length;
      return;
    }
    if (this.#droppedBytes > 0) this.#append(taskId, Buffer.from(`\n[${String(this.#droppedBytes)} bytes of output were dropped]\n`));
    this.#droppedBytes = 0;
    this.#append(taskId, chunk);
  }

  result(taskId: TaskId, outcome: BuildResult | Reason): void {
    this.#results.set(taskId, { outcome, sentAtMs: undefined });
  }

  /** Resolves when the stream has taken the chunk, or the session has ended: a log reader goes no faster than the wire. */
  log(chunk: LogChunk): Promise<void> {
    return new Promise((taken) => {
      this.#logs.push({ chunk, taken });
    });
  }

  /** Tasks whose result is not known to have arrived. */
  undelivered(): readonly TaskId[] {
    return [...this.#results.keys()];
  }

  /** The next message to go, or nothing. */
  next(nowMs: number): AgentMessage | undefined {
    return this.#control.shift() ?? this.#nextReport() ?? this.#nextOutput() ?? this.#nextResult(nowMs) ?? this.#nextLog();
  }

  /** Results that a session took and outlived are delivered. */
  confirm(sentBeforeMs: number): void {
    for (const [taskId, kept] of this.#results) {
      if (kept.sentAtMs !== undefined && kept.sentAtMs <= sentBeforeMs) this.#results.delete(taskId);
    }
  }

  /** The session is over: what the next one is told anew is forgotten; output and results stay. */
  endSession(): void {
    this.#control = [];
    this.#reports.clear();
    for (const { taken } of this.#logs.splice(0)) taken();
    for (const kept of this.#results.values()) kept.sentAtMs = undefined;
  }

  #append(taskId: TaskId, chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES)
      this.#output.push({ taskId, chunk: chunk.subarray(at, at + MAX_CHUNK_BYTES) });
    this.#outputBytes += chunk.length;
  }

  #nextReport(): AgentMessage | undefined {
    if (this.#reports.size === 0) return undefined;
    const statuses = [...this.#reports.values()];
    this.#reports.clear();
    return { kind: 'instanceReport', statuses, complete: false };
  }

  /** Small neighbours of one task travel together. */
  #nextOutput(): AgentMessage | undefined {
    const taskId = this.#output[0]?.taskId;
    if (taskId === undefined) return undefined;
    let [count, bytes] = [0, 0];
    for (const one of this.#output) {
      if (one.taskId !== taskId || bytes + one.chunk.length > MAX_CHUNK_BYTES) break;
      count += 1;
      bytes += one.chunk.length;
    }
    const chunk = Buffer.concat(this.#output.splice(0, count).map((one) => one.chunk));
    this.#outputBytes -= bytes;
    return { kind: 'taskOutput', taskId, chunk };
  }

  #nextResult(nowMs: number): AgentMessage | undefined {
    for (const [taskId, kept] of this.#results) {
      if (kept.sentAtMs !== undefined) continue;
      kept.sentAtMs = nowMs;
      const { outcome } = kept;
      return { kind: 'taskResult', taskId, outcome: 'slug' in outcome ? { ok: true, result: outcome } : { ok: false, failure: outcome } };
    }
    return undefined;
  }

  #nextLog(): AgentMessage | undefined {
    const next = this.#logs.shift();
    next?.taken();
    return next?.chunk;
  }
}
