import { cancelledBeforeStart } from '../../shared/domain/command-cancelled.ts';
import type { CommandTask } from '../../shared/domain/command.ts';
import type { NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Hello, TaskOutput, TaskProgress, TaskResult } from '../../shared/rpc/messages.ts';
import { COMMAND_OUTPUT_BYTES, type CommandEnd, type CommandRow } from '../domain/commands.ts';
import type { CommandStore } from '../store/command-port.ts';
import type { TaskStore } from '../store/task-port.ts';
import type { AgentSession } from './agent-session.ts';
import { awayNotice, unknownEnd, notSent } from './command-failures.ts';
import { CommandOutput, type CommandOutputDeps } from './command-output.ts';
import { unsupportedKind } from './task-failures.ts';

export interface CommandsDeps extends CommandOutputDeps {
  readonly store: CommandStore & Pick<TaskStore, 'setTaskState'>;
  readonly session: (node: NodeId) => AgentSession | undefined;
  readonly nodeName: (node: NodeId) => string;
  /** How long a release command is awaited while its node has no session. */
  readonly rejoinMs: number;
  readonly failpoint: Failpoint;
}

/** What other modules do with commands on nodes. */
export interface CommandRunner {
  /** Sends a recorded command. @throws SLIP_TASK_KIND */
  start(row: CommandRow, task: CommandTask): Promise<void>;
  /** Asks the agent to end it. The end comes as with any command. @param drainedNode name of the node whose drain ends it */
  cancel(id: TaskId, drainedNode?: string): Promise<void>;
  /** Resolves when it has ended; undefined when its app was destroyed. @param watch gets the output from now on */
  ended(id: TaskId, watch?: (text: string) => void): Promise<CommandRow | undefined>;
  /**
   * Calls the listener when more of its output is in the database, and when it has ended. @returns the function that unsubscribes. Undefined:
   * it has ended, or it is not sent yet
   */
  onProgress(id: TaskId, listener: () => void): (() => void) | undefined;
  /** Whether the connected agent of the node can run commands. @param attached commands that wait for a user */
  takes(node: NodeId, attached?: boolean): boolean;
}

/** An agent enforces the limit of a command itself. The controller gives up this much later. */
const LATE_MS = 120_000;
const OUTPUT_GRACE_BYTES = 64 * 1024;
const RETRY_MS = 1_000;

interface Held {
  readonly row: CommandRow;
  readonly output: CommandOutput;
  readonly ended: PromiseWithResolvers<CommandRow | undefined>;
  isCancelled: boolean;
  isEnding: boolean;
  /** Stops the timer that runs while the node has no session. */
  stopWaiting: (() => void) | undefined;
  stopTimer: () => void;
}

/** Commands on agents. They outlive this process: the next one finds them in the database and follows them. */
export class Commands implements CommandRunner {
  readonly #deps: CommandsDeps;
  readonly #held = new Map<TaskId, Held>();
  #isClosed = false;

  constructor(deps: CommandsDeps) {
    this.#deps = deps;
  }

  /** Takes over the commands of a former controller process. Call it before the first session. */
  async load(): Promise<void> {
    const { store } = this.#deps;
    for (const row of await store.unfinishedCommands()) {
      if (row.state === 'running') this.#await(this.#hold(row));
      else if (row.kind === 'release' || (row.kind === 'cron' && row.userId === undefined))
        await store.removeCommand(row.id); // it has not run, so it may be started again
      else await store.endCommand(row.id, { failure: notSent(row) });
    }
  }

  takes(node: NodeId, attached = false): boolean {
    const session = this.#deps.session(node);
    return takesKind(session, 'run') && (!attached || session?.hello?.takesAttach === true);
  }

  holds(id: TaskId, node: NodeId): boolean {
    return this.#held.get(id)?.row.nodeId === node;
  }

  progressOn(node: NodeId): readonly TaskProgress[] {
    return this.#on(node).map(({ row, output }) => ({
      taskId: row.id,
      outputBytes: output.bytes,
      outputLines: output.lines,
    }));
  }

  async start(row: CommandRow, task: CommandTask): Promise<void> {
    const { store, session, nodeName, failpoint } = this.#deps;
    if (!takesKind(session(row.nodeId), row.kind)) {
      await store.removeCommand(row.id);
      throw unsupportedKind(nodeName(row.nodeId), row.kind);
    }
    await failpoint('command.recorded');
    await store.setTaskState(row.id, 'running');
    await failpoint('command.running');
    const held = this.#hold({ ...row, state: 'running', startedAtMs: this.#deps.clock.nowMs() });
    const now = session(row.nodeId);
    if (now === undefined) await this.#end(held, { failure: notSent(row) });
    else if ((await store.command(row.id))?.cancelled === true)
      await this.#end(held, { failure: cancelledBeforeStart(row) });
    else now.send({ kind: 'startTask', task });
    await failpoint('command.sent');
  }

  /** A command that is not held yet reads the mark before it is sent. */
  async cancel(id: TaskId, drainedNode?: string): Promise<void> {
    await this.#deps.store.setCommandCancelled(id, drainedNode);
    const held = this.#held.get(id);
    if (held === undefined || held.isCancelled) return;
    held.isCancelled = true;
    this.#deps.session(held.row.nodeId)?.send({ kind: 'cancelTask', taskId: id });
    held.stopTimer();
    held.stopTimer = callAfter(this.#deps.clock, held.row.graceMs + LATE_MS, () => this.#lose(held));
  }

  async ended(id: TaskId, watch?: (text: string) => void): Promise<CommandRow | undefined> {
    const held = this.#held.get(id);
    if (held === undefined) return await this.#deps.store.command(id);
    const unwatch = watch === undefined ? undefined : held.output.watch(watch);
    try {
      return await held.ended.promise;
    } finally {
      unwatch?.();
    }
  }

  onProgress(id: TaskId, listener: () => void): (() => void) | undefined {
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    let isFollowing = true;
    void held.ended.promise.then(() => {
      if (isFollowing) listener();
    });
    const stop = held.output.onStored(listener);
    return () => {
      isFollowing = false;
      stop();
    };
  }

  /** A node that reconnected has lost the commands that it does not report. It cancels those that this controller does not know. */
  onHello(session: AgentSession, hello: Hello): void {
    const reported = new Set(hello.runningTaskIds);
    for (const held of this.#on(session.nodeId)) {
      held.stopWaiting?.();
      held.stopWaiting = undefined;
      if (!reported.has(held.row.id)) this.#lose(held);
      else if (held.isCancelled) session.send({ kind: 'cancelTask', taskId: held.row.id });
    }
  }

  onDisconnect(node: NodeId): void {
    for (const held of this.#on(node)) this.#await(held);
  }

  /** The node is no longer a member of the fleet. */
  onRemoved(node: NodeId): void {
    for (const held of this.#on(node)) this.#lose(held);
  }

  onOutput(session: AgentSession, { taskId, chunk }: TaskOutput): void {
    const held = this.#owned(session, taskId);
    if (held === undefined) return;
    if (held.output.bytes <= COMMAND_OUTPUT_BYTES + OUTPUT_GRACE_BYTES) held.output.take(chunk);
    else session.warnOnce('session.too_much_command_output', { taskId });
  }

  /** A result that nothing waits for is acknowledged too, so that the agent forgets it. */
  onResult(session: AgentSession, { taskId, outcome }: TaskResult): void {
    const held = this.#held.get(taskId);
    if (held === undefined) {
      if (takesKind(session, 'run')) session.send({ kind: 'taskAck', taskId });
      return;
    }
    if (this.#owned(session, taskId) === undefined) return;
    if (!outcome.ok) void this.#end(held, { failure: outcome.failure });
    else if ('exit' in outcome.result) void this.#end(held, { result: outcome.result });
  }

  /** The commands continue on their nodes. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held.values()) {
      held.stopTimer();
      held.stopWaiting?.();
    }
  }

  #hold(row: CommandRow): Held {
    const output = new CommandOutput(this.#deps, row.id, { bytes: row.outputBytes, lines: row.outputLines });
    const ended = Promise.withResolvers<CommandRow | undefined>();
    const state = { isCancelled: row.cancelled, isEnding: false, stopWaiting: undefined };
    const held: Held = { row, output, ended, ...state, stopTimer: () => undefined };
    const { clock } = this.#deps;
    const leftMs = (row.startedAtMs ?? clock.nowMs()) + row.timeoutMs + row.graceMs + LATE_MS - clock.nowMs();
    held.stopTimer = callAfter(clock, Math.max(LATE_MS, leftMs), () => this.#lose(held));
    this.#held.set(row.id, held);
    return held;
  }

  /** Users wait for a release command, so its node may be away for a short time only. Others are awaited until their limit. */
  #await(held: Held): void {
    const { clock, rejoinMs, nodeName } = this.#deps;
    if (held.row.kind !== 'release' || held.stopWaiting !== undefined) return;
    held.stopWaiting = callAfter(clock, rejoinMs, () => this.#lose(held));
    held.output.tell(awayNotice(nodeName(held.row.nodeId), rejoinMs));
  }

  #lose(held: Held): void {
    this.#deps.session(held.row.nodeId)?.send({ kind: 'cancelTask', taskId: held.row.id });
    void this.#end(held, { failure: unknownEnd(held.row, this.#deps.nodeName(held.row.nodeId)) });
  }

  /** Stores the end before anybody learns of it. Never rejects. */
  async #end(held: Held, end: CommandEnd): Promise<void> {
    if (held.isEnding) return;
    held.isEnding = true;
    held.stopTimer();
    held.stopWaiting?.();
    await held.output.flush();
    const row = await this.#store(held.row.id, end);
    if (row === 'closed') return;
    await this.#deps.failpoint('command.ended');
    this.#held.delete(held.row.id);
    this.#deps.session(held.row.nodeId)?.send({ kind: 'taskAck', taskId: held.row.id });
    held.ended.resolve(row);
  }

  async #store(id: TaskId, end: CommandEnd): Promise<CommandRow | undefined | 'closed'> {
    while (!this.#isClosed) {
      try {
        return await this.#deps.store.endCommand(id, end);
      } catch (error) {
        this.#deps.logger.error({ task: id, err: error }, 'command.end_not_stored');
        await this.#deps.clock.sleep(RETRY_MS);
      }
    }
    return 'closed';
  }

  #owned(session: AgentSession, taskId: TaskId): Held | undefined {
    const held = this.#held.get(taskId);
    if (held === undefined || held.row.nodeId === session.nodeId) return held;
    session.warnOnce('session.unknown_task', { taskId });
    return undefined;
  }

  #on(node: NodeId): readonly Held[] {
    return [...this.#held.values()].filter(({ row }) => row.nodeId === node);
  }
}

function takesKind(session: AgentSession | undefined, kind: string): boolean {
  return session?.hello?.taskKinds?.includes(kind) === true;
}
