import { TRANSFER_RETRY_MS, type BuildResult, type BuildTask } from '../../shared/domain/build.ts';
import type { BuildId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { countLines } from '../../shared/kit/count-lines.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Hello, TaskOutput, TaskProgress, TaskResult } from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';
import { BUILD_FAILURES, unsupportedKind } from './task-failures.ts';
import type { TaskRecords } from './task-records.ts';

export interface TasksDeps {
  readonly clock: Clock;
  readonly records: TaskRecords;
  readonly session: (node: NodeId) => AgentSession | undefined;
  /** How long a task is kept while its node has no session. */
  readonly rejoinMs: number;
  readonly onSucceeded: (node: NodeId, task: BuildTask) => void;
}

interface TaskRequest {
  readonly node: NodeId;
  readonly task: BuildTask;
  readonly buildId?: BuildId | undefined;
  readonly output: (chunk: Uint8Array) => void;
  /** Cancels the task. */
  readonly signal: AbortSignal;
}

/** An agent enforces the limit of a task itself, and its transfers may wait for a broken connection. The controller ends the task this much later. */
const TIMEOUT_GRACE_MS = 60_000 + TRANSFER_RETRY_MS;
const OUTPUT_GRACE_BYTES = 64 * 1024;
/** Agents that do not report their kinds run builds only. */
const DEFAULT_KINDS: readonly string[] = ['build'];

type Outcome = BuildResult | SlipwayError;

interface RunningTask {
  readonly node: NodeId;
  readonly task: BuildTask;
  readonly output: (chunk: Uint8Array) => void;
  readonly settle: (outcome: Outcome) => void;
  outputBytes: number;
  outputLines: number;
  /** Stops the timer that runs while the node has no session. */
  stopWaiting: (() => void) | undefined;
}

/** Runs builds on agents. Rows in the database outlive this process, running builds do not: after a restart they have failed. */
export class Tasks {
  readonly #deps: TasksDeps;
  readonly #running = new Map<TaskId, RunningTask>();

  constructor(deps: TasksDeps) {
    this.#deps = deps;
  }

  nodeOf(taskId: TaskId): NodeId | undefined {
    return this.#running.get(taskId)?.node;
  }

  countOn(node: NodeId): number {
    return this.#on(node).length;
  }

  /** How much output of each task has arrived. The next session of the node continues from there. */
  progressOn(node: NodeId): readonly TaskProgress[] {
    return this.#on(node).map(({ task, outputBytes, outputLines }) => ({
      taskId: task.taskId,
      outputBytes,
      outputLines,
    }));
  }

  /** @throws SLIP_TASK_KIND, a failure of `BUILD_FAILURES`, or the failure that the agent reports */
  async runTask(request: TaskRequest): Promise<BuildResult> {
    const { node, task, buildId, signal } = request;
    const { records } = this.#deps;
    this.#sessionFor(request);
    const { taskId, kind, appId } = task;
    await records.create({ id: taskId, kind, appId, nodeId: node, buildId });
    try {
      await records.started(taskId);
      const result = await this.#runOnAgent(request);
      await records.succeeded(taskId);
      return result;
    } catch (error) {
      await records.failed(taskId, toSlipwayError(error), signal.aborted);
      throw error;
    }
  }

  /**
   * A node that reconnected has lost the builds that it does not report. It cancels tasks that nothing waits for.
   * @param isCommand whether the task is a command that this controller follows
   */
  onHello(session: AgentSession, hello: Hello, isCommand: (taskId: TaskId) => boolean): void {
    const held = new Set(hello.runningTaskIds);
    for (const running of this.#on(session.nodeId)) {
      if (held.has(running.task.taskId)) this.#keep(running);
      else this.#settle(running, BUILD_FAILURES.lost());
    }
    for (const taskId of held) {
      if (this.nodeOf(taskId) !== session.nodeId && !isCommand(taskId)) session.send({ kind: 'cancelTask', taskId });
    }
  }

  onDisconnect(node: NodeId): void {
    const { clock, rejoinMs } = this.#deps;
    for (const running of this.#on(node)) {
      if (running.stopWaiting !== undefined) continue;
      running.stopWaiting = callAfter(clock, rejoinMs, () => this.#settle(running, BUILD_FAILURES.lost()));
      running.output(Buffer.from(BUILD_FAILURES.awayNotice(rejoinMs)));
    }
  }

  onOutput(session: AgentSession, { taskId, chunk }: TaskOutput): void {
    const running = this.#owned(session, taskId);
    if (running === undefined) return;
    running.outputBytes += chunk.length;
    running.outputLines += countLines(chunk);
    if (running.outputBytes <= running.task.outputLimitBytes + OUTPUT_GRACE_BYTES) running.output(chunk);
    else session.warnOnce('session.too_much_build_output', { taskId });
  }

  /** Ignores a result that nothing waits for: of a cancelled task, of a former controller process, or a repeated one. */
  onResult(session: AgentSession, { taskId, outcome }: TaskResult): void {
    const running = this.#owned(session, taskId);
    if (running === undefined) return;
    if (!outcome.ok) this.#settle(running, new SlipwayError({ ...outcome.failure, kind: 'user' }));
    else if ('slug' in outcome.result) {
      this.#deps.onSucceeded(running.node, running.task);
      this.#settle(running, outcome.result);
    }
  }

  /** Ends every task, because the controller stops. */
  close(): void {
    for (const running of this.#running.values()) this.#settle(running, BUILD_FAILURES.lost());
  }

  async #runOnAgent(request: TaskRequest): Promise<BuildResult> {
    const { node, task, output, signal } = request;
    const session = this.#sessionFor(request);
    const { promise, resolve, reject } = Promise.withResolvers<BuildResult>();
    const onAbort = (): void => this.#cancel(task.taskId, cancelled(signal.reason));
    const stopTimer = callAfter(this.#deps.clock, task.timeoutMs + TIMEOUT_GRACE_MS, () =>
      this.#cancel(task.taskId, BUILD_FAILURES.timedOut(task)),
    );
    const settle = (outcome: Outcome): void => {
      if (outcome instanceof SlipwayError) reject(outcome);
      else resolve(outcome);
    };
    const progress = { outputBytes: 0, outputLines: 0, stopWaiting: undefined };
    this.#running.set(task.taskId, { node, task, output, settle, ...progress });
    signal.addEventListener('abort', onAbort);
    session.send({ kind: 'startTask', task });
    try {
      return await promise;
    } finally {
      stopTimer();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The session that can run the task now. @throws a failure of `BUILD_FAILURES`, SLIP_TASK_KIND */
  #sessionFor({ node, task, signal }: TaskRequest): AgentSession {
    const session = this.#deps.session(node);
    if (session === undefined) throw BUILD_FAILURES.lost();
    if (signal.aborted) throw cancelled(signal.reason);
    const kinds: readonly string[] = session.hello?.taskKinds ?? DEFAULT_KINDS;
    if (!kinds.includes(task.kind)) throw unsupportedKind(session.name, task.kind);
    return session;
  }

  #owned(session: AgentSession, taskId: TaskId): RunningTask | undefined {
    const running = this.#running.get(taskId);
    if (running === undefined || running.node === session.nodeId) return running;
    session.warnOnce('session.unknown_task', { taskId });
    return undefined;
  }

  #cancel(taskId: TaskId, reason: SlipwayError): void {
    const running = this.#running.get(taskId);
    if (running === undefined) return;
    this.#deps.session(running.node)?.send({ kind: 'cancelTask', taskId });
    this.#settle(running, reason);
  }

  #keep(running: RunningTask): void {
    running.stopWaiting?.();
    running.stopWaiting = undefined;
  }

  #settle(running: RunningTask, outcome: Outcome): void {
    this.#keep(running);
    this.#running.delete(running.task.taskId);
    running.settle(outcome);
  }

  #on(node: NodeId): readonly RunningTask[] {
    return [...this.#running.values()].filter((running) => running.node === node);
  }
}

function cancelled(reason: unknown): SlipwayError {
  return reason instanceof SlipwayError ? reason : BUILD_FAILURES.cancelled();
}
