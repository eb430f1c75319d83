import { TRANSFER_RETRY_MS, type BuildResult, type BuildTask } from '../../shared/domain/build.ts';
import type { AppId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { countLines } from '../../shared/kit/count-lines.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Hello, TaskOutput, TaskProgress, TaskResult } from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';

export interface TasksDeps {
  readonly clock: Clock;
  readonly session: (node: NodeId) => AgentSession | undefined;
  /** How long a node that vanished may take to come back with its task. */
  readonly rejoinMs: number;
  /** The node holds this app's build cache now. */
  readonly onBuilt: (node: NodeId, appId: AppId) => void;
}

/** An agent ends a task at its own limit, and its transfers may wait for a broken connection; the controller ends the task this much later. */
const TIMEOUT_GRACE_MS = 60_000 + TRANSFER_RETRY_MS;
const OUTPUT_GRACE_BYTES = 64 * 1024;

interface Running {
  readonly node: NodeId;
  readonly task: BuildTask;
  readonly output: (chunk: Uint8Array) => void;
  readonly settle: (outcome: BuildResult | SlipwayError) => void;
  outputBytes: number;
  outputLines: number;
  /** Calls off the waiting for a node that vanished. */
  stopWaiting: (() => void) | undefined;
}

/** Tasks on agents, by id. In memory: a controller that starts again has none, and its builds are failed ones. */
export class Tasks {
  readonly #deps: TasksDeps;
  readonly #running = new Map<TaskId, Running>();

  constructor(deps: TasksDeps) {
    this.#deps = deps;
  }

  nodeOf(taskId: TaskId): NodeId | undefined {
    return this.#running.get(taskId)?.node;
  }

  countOn(node: NodeId): number {
    return this.#on(node).length;
  }

  /** What has arrived of each task of a node: its next session goes on from there. */
  progressOn(node: NodeId): readonly TaskProgress[] {
    return this.#on(node).map(({ task, outputBytes, outputLines }) => ({
      taskId: task.taskId,
      outputBytes,
      outputLines,
    }));
  }

  /** @throws SLIP_BUILDER_LOST, SLIP_BUILD_CANCELLED, SLIP_BUILD_TIMEOUT, or the failure the agent reports (SLIP_BUILD_*) */
  async run(
    node: NodeId,
    task: BuildTask,
    io: { output: (chunk: Uint8Array) => void; signal: AbortSignal },
  ): Promise<BuildResult> {
    const session = this.#deps.session(node);
    if (session === undefined) throw lost();
    if (io.signal.aborted) throw cancelled(io.signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<BuildResult>();
    const onAbort = (): void => this.#cancel(task.taskId, cancelled(io.signal.reason));
    const stopTimer = callAfter(this.#deps.clock, task.timeoutMs + TIMEOUT_GRACE_MS, () =>
      this.#cancel(task.taskId, timedOut(task)),
    );
    const settle = (outcome: BuildResult | SlipwayError): void => {
      if (outcome instanceof SlipwayError) reject(outcome);
      else resolve(outcome);
    };
    this.#running.set(task.taskId, {
      node,
      task,
      output: io.output,
      settle,
      outputBytes: 0,
      outputLines: 0,
      stopWaiting: undefined,
    });
    io.signal.addEventListener('abort', onAbort);
    session.send({ kind: 'startTask', task });
    try {
      return await promise;
    } finally {
      stopTimer();
      io.signal.removeEventListener('abort', onAbort);
    }
  }

  /** The node is back: what it does not hold any more is lost, what nobody waits for is cancelled. */
  onHello(session: AgentSession, hello: Hello): void {
    const held = new Set(hello.runningTaskIds);
    for (const running of this.#on(session.nodeId)) {
      if (held.has(running.task.taskId)) this.#keep(running);
      else this.#settle(running, lost());
    }
    for (const taskId of held) {
      if (this.nodeOf(taskId) !== session.nodeId) session.send({ kind: 'cancelTask', taskId });
    }
  }

  onDisconnect(node: NodeId): void {
    const { clock, rejoinMs } = this.#deps;
    for (const running of this.#on(node)) {
      if (running.stopWaiting !== undefined) continue;
      running.stopWaiting = callAfter(clock, rejoinMs, () => this.#settle(running, lost()));
      running.output(Buffer.from(awayNotice(rejoinMs)));
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

  /** A result nobody waits for (cancelled, of an earlier life, sent twice) is ignored. */
  onResult(session: AgentSession, { taskId, outcome }: TaskResult): void {
    const running = this.#owned(session, taskId);
    if (running === undefined) return;
    if (outcome.ok) this.#deps.onBuilt(running.node, running.task.appId);
    this.#settle(running, outcome.ok ? outcome.result : new SlipwayError({ ...outcome.failure, kind: 'user' }));
  }

  /** The controller stops: nobody will hear of these tasks again. */
  close(): void {
    for (const running of this.#running.values()) this.#settle(running, lost());
  }

  #owned(session: AgentSession, taskId: TaskId): Running | undefined {
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

  #keep(running: Running): void {
    running.stopWaiting?.();
    running.stopWaiting = undefined;
  }

  #settle(running: Running, outcome: BuildResult | SlipwayError): void {
    this.#keep(running);
    this.#running.delete(running.task.taskId);
    running.settle(outcome);
  }

  #on(node: NodeId): readonly Running[] {
    return [...this.#running.values()].filter((running) => running.node === node);
  }
}

function awayNotice(rejoinMs: number): string {
  return `\n !     The connection to the builder is lost. The build goes on there. Waiting up to ${String(rejoinMs / 1000)} s for the builder to reconnect.\n`;
}

function lost(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILDER_LOST',
    kind: 'transient',
    message: 'The builder lost its connection in the middle of the build.',
    hint: 'Push again; `slipway status` shows which nodes are connected.',
  });
}

function timedOut(task: BuildTask): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_TIMEOUT',
    message: `The build did not end within ${String(Math.round(task.timeoutMs / 1000))} s and its builder does not say why.`,
    hint: 'Push again; `slipway status` shows how the nodes are.',
  });
}

function cancelled(reason: unknown): SlipwayError {
  if (reason instanceof SlipwayError) return reason;
  return new SlipwayError({
    code: 'SLIP_BUILD_CANCELLED',
    message: 'The build was cancelled.',
    hint: 'Push again to start a new one.',
  });
}
