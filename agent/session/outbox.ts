import type { BuildResult } from '../../shared/domain/build.ts';
import type { InstanceId, TaskId } from '../../shared/domain/ids.ts';
import type { InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import type { AgentMessage, LogChunk, TaskProgress } from '../../shared/rpc/messages.ts';
import { TaskOutputs } from './task-output.ts';

const MAX_CONTROL = 1_000;

interface Kept {
  readonly outcome: BuildResult | Reason;
  /** Monotonic ms at which this session's stream took it; absent: still to be sent on this session. */
  sentAtMs: number | undefined;
}

/**
 * What waits to be sent, in the order it should go: control before reports before build output before logs. Bounded:
 * reports coalesce per instance, output beyond the limit is left out with a mark, results are few and kept.
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

  /** A new session begins: output that did not arrive in the last one is sent again. */
  resume(progress: readonly TaskProgress[]): void {
    this.#output.resume(progress);
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
    return (
      this.#control.shift() ?? this.#nextReport() ?? this.#nextOutput() ?? this.#nextResult(nowMs) ?? this.#nextLog()
    );
  }

  /** Results that a session took and outlived are delivered. */
  confirm(sentBeforeMs: number): void {
    for (const [taskId, kept] of this.#results) {
      if (kept.sentAtMs === undefined || kept.sentAtMs > sentBeforeMs) continue;
      this.#results.delete(taskId);
      this.#output.forget(taskId);
    }
  }

  /** The session is over: what the next one is told anew is forgotten; output and results stay. */
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
        outcome: 'slug' in outcome ? { ok: true, result: outcome } : { ok: false, failure: outcome },
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
