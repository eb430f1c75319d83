import type { InstanceId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { TaskResultContent } from '../../shared/domain/task.ts';
import type { AgentMessage, LogChunk, TaskProgress } from '../../shared/rpc/messages.ts';
import { TaskOutputs } from './task-output.ts';

const MAX_CONTROL = 1_000;

interface Kept {
  readonly outcome: TaskResultContent | Reason;
  /** Monotonic time at which the stream of this session took it; absent: not yet sent in this session. */
  sentAtMs: number | undefined;
}

/**
 * Messages that wait to be sent, in this order: control, reports, build output, results, logs. Its size is bounded: an instance has one
 * report, and output beyond the limit is replaced by a mark. Results are few, and are kept until they arrive.
 */
export class Outbox {
  #control: AgentMessage[] = [];
  readonly #reports = new Map<InstanceId, InstanceStatus>();
  readonly #output = new TaskOutputs();
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
    this.#output.add(taskId, chunk);
  }

  /** At the start of a session: output that did not arrive in the last session is sent again. */
  resume(progress: readonly TaskProgress[]): void {
    this.#output.resume(progress);
  }

  result(taskId: TaskId, outcome: TaskResultContent | Reason): void {
    this.#results.set(taskId, { outcome, sentAtMs: undefined });
  }

  /** Resolves when the stream has taken the chunk or the session has ended, so a log reader is no faster than the stream. */
  log(chunk: LogChunk): Promise<void> {
    return new Promise((taken) => {
      this.#logs.push({ chunk, taken });
    });
  }

  /** Tasks whose result may not have arrived yet. */
  undelivered(): readonly TaskId[] {
    return [...this.#results.keys()];
  }

  /** The next message; undefined when nothing waits. */
  next(nowMs: number): AgentMessage | undefined {
    return (
      this.#control.shift() ?? this.#nextReport() ?? this.#nextOutput() ?? this.#nextResult(nowMs) ?? this.#nextLog()
    );
  }

  /** Drops the results that were sent before this time: they have arrived. */
  confirm(sentBeforeMs: number): void {
    for (const [taskId, kept] of this.#results) {
      if (kept.sentAtMs === undefined || kept.sentAtMs > sentBeforeMs) continue;
      this.#results.delete(taskId);
      this.#output.drop(taskId);
    }
  }

  /** At the end of a session. Output and results stay. The next session begins with new reports. */
  endSession(): void {
    this.#control = [];
    this.#reports.clear();
    for (const { taken } of this.#logs.splice(0)) taken();
    for (const kept of this.#results.values()) kept.sentAtMs = undefined;
  }

  #nextReport(): AgentMessage | undefined {
    if (this.#reports.size === 0) return undefined;
    const statuses = [...this.#reports.values()];
    this.#reports.clear();
    return { kind: 'instanceReport', statuses, complete: false };
  }

  #nextOutput(): AgentMessage | undefined {
    const next = this.#output.next();
    return next === undefined ? undefined : { kind: 'taskOutput', ...next };
  }

  #nextResult(nowMs: number): AgentMessage | undefined {
    for (const [taskId, kept] of this.#results) {
      if (kept.sentAtMs !== undefined) continue;
      kept.sentAtMs = nowMs;
      const { outcome } = kept;
      return {
        kind: 'taskResult',
        taskId,
        outcome: 'code' in outcome ? { ok: false, failure: outcome } : { ok: true, result: outcome },
      };
    }
    return undefined;
  }

  #nextLog(): AgentMessage | undefined {
    const next = this.#logs.shift();
    next?.taken();
    return next?.chunk;
  }
}
