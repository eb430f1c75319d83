import { TRANSFER_RETRY_MS } from '../../shared/domain/build.ts';
import { cancelledBeforeStart } from '../../shared/domain/command-cancelled.ts';
import type { CommandResult, CommandTask } from '../../shared/domain/command.ts';
import { howItEnded } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Images } from '../images/port.ts';
import type { LogBook } from '../logs/log-book.ts';
import type { Logs } from '../logs/port.ts';
import type { Sandbox, SandboxSpec } from '../sandbox/port.ts';
import { notStarted, unknownEnd } from './outcomes.ts';
import type { CommandOutcome, CommandRecord, CommandRecords } from './record.ts';
import { untilExit } from './until-exit.ts';

export interface CommandRunDeps {
  readonly records: CommandRecords;
  readonly sandbox: Sandbox;
  readonly images: Pick<Images, 'ensure' | 'mount'>;
  readonly logs: Pick<Logs, 'write'>;
  readonly logBook: Pick<LogBook, 'add' | 'end'>;
  readonly spec: (task: CommandTask, lowerDirs: readonly string[]) => SandboxSpec;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

interface CommandRunIo {
  /** Aborts when the command is cancelled. */
  readonly signal: AbortSignal;
  readonly save: (change: Partial<CommandRecord>) => Promise<void>;
  /** Called when the process runs and its log exists. */
  readonly onStarted: () => void;
}

const FETCH_RETRY: BackoffPolicy = Object.freeze({ firstMs: 500, maxMs: 10_000, factor: 2 });

/** One command in its sandbox, from the first file to the exit. */
export class CommandRun {
  readonly #deps: CommandRunDeps;
  /** Aborts when the agent stops. */
  readonly #stopping: AbortSignal;

  constructor(deps: CommandRunDeps, stopping: AbortSignal) {
    this.#deps = deps;
    this.#stopping = stopping;
  }

  async run(task: CommandTask, io: CommandRunIo): Promise<CommandOutcome> {
    const { failpoint } = this.#deps;
    await io.save({});
    await failpoint('agent.commandAccepted');
    const lowerDirs = await this.#fetch(task, io.signal);
    if (lowerDirs === undefined) return cancelledBeforeStart(task);
    await this.#start(task, lowerDirs, io);
    return this.#follow(task, io.signal);
  }

  /** Continues with a command that an earlier agent accepted. */
  async adopt(record: CommandRecord, signal: AbortSignal): Promise<CommandOutcome> {
    const found = await this.#deps.sandbox.inspect(record.taskId);
    if (found?.phase === 'running' || found?.phase === 'exited') return this.#follow(record, signal);
    return record.startingAtMs === undefined ? notStarted(record) : unknownEnd(record);
  }

  /** Stores the outcome, then removes the sandbox. The log stays. */
  async end(record: CommandRecord): Promise<void> {
    const { records, sandbox, logBook, clock, log, failpoint } = this.#deps;
    const { taskId, outcome } = record;
    if (outcome === undefined) return;
    await failpoint('agent.commandEnded');
    try {
      await records.save(record);
      await sandbox.destroy(taskId);
      for (const id of logBook.end(taskId, clock.nowMs())) await sandbox.forget(id);
    } catch (error) {
      log.warn({ task: taskId, err: error }, 'command.not_cleaned_up'); // its acknowledgement removes the rest
    }
    if ('exit' in outcome) this.#logLine(record, `Process ${howItEnded(outcome.exit)}`);
  }

  /** @returns the mounted layers; undefined when the command was cancelled */
  async #fetch(task: CommandTask, cancelled: AbortSignal): Promise<readonly string[] | undefined> {
    const { images, clock, random } = this.#deps;
    const signal = AbortSignal.any([cancelled, this.#stopping]);
    const untilMs = clock.monotonicMs() + TRANSFER_RETRY_MS;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await images.ensure(task.layers, signal);
        signal.throwIfAborted();
        return await Promise.all(task.layers.map((layer) => images.mount(layer, task.uidBase)));
      } catch (error) {
        if (cancelled.aborted) return undefined;
        if (this.#stopping.aborted) throw error;
        const isTransient = toSlipwayError(error).kind === 'transient';
        if (!isTransient || clock.monotonicMs() > untilMs) throw error;
        await clock.sleep(backoffDelayMs(FETCH_RETRY, attempt, random()), signal).catch(() => undefined);
      }
    }
  }

  async #start(task: CommandTask, lowerDirs: readonly string[], io: CommandRunIo): Promise<void> {
    const { sandbox, logBook, clock, failpoint } = this.#deps;
    const { taskId, appId, app, process } = task;
    logBook.add({ instanceId: taskId, appId, app, process, oneOff: true });
    this.#logLine(task, `Starting process with command \`${task.command.slice(0, 500)}\``);
    await sandbox.prepare(this.#deps.spec(task, lowerDirs));
    await io.save({ startingAtMs: clock.nowMs() });
    await failpoint('agent.commandStarting');
    await sandbox.start(taskId);
    io.onStarted();
    await failpoint('agent.commandStarted');
    this.#logLine(task, 'State changed from starting to up');
  }

  async #follow(command: Followed, cancelled: AbortSignal): Promise<CommandOutcome> {
    const { sandbox, clock } = this.#deps;
    const { taskId } = command;
    const startedAtMs = (await sandbox.inspect(taskId))?.startedAtMs ?? clock.nowMs();
    const signal = AbortSignal.any([cancelled, this.#stopping]);
    let exit = await untilExit(this.#deps, taskId, { atMs: startedAtMs + command.timeoutMs, signal });
    let endedBy: CommandResult['endedBy'];
    if (exit === 'running') {
      this.#stopping.throwIfAborted();
      endedBy = cancelled.aborted ? 'cancel' : 'timeout';
      exit = await this.#terminate(command);
    }
    if (exit === 'running') this.#stopping.throwIfAborted();
    if (exit === 'running' || exit === 'gone') return unknownEnd(command);
    return { exit, durationMs: Math.max(0, exit.atMs - startedAtMs), endedBy };
  }

  async #terminate(command: Followed): ReturnType<typeof untilExit> {
    const { sandbox, clock } = this.#deps;
    const { taskId, graceMs } = command;
    this.#logLine(command, 'Stopping process with SIGTERM');
    await sandbox.signal(taskId, 'SIGTERM');
    const ended = await untilExit(this.#deps, taskId, { atMs: clock.nowMs() + graceMs, signal: this.#stopping });
    if (ended !== 'running' || this.#stopping.aborted) return ended;
    const seconds = String(graceMs / 1000);
    this.#logLine(
      command,
      `Error R12 (Exit timeout) -> The process did not end within ${seconds} s of SIGTERM and is ended with SIGKILL`,
    );
    await sandbox.signal(taskId, 'SIGKILL');
    return untilExit(this.#deps, taskId, { atMs: Infinity, signal: this.#stopping });
  }

  #logLine({ appId, process }: Pick<Followed, 'appId' | 'process'>, message: string): void {
    void this.#deps.logs.write(appId, process, message).catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'command.log_line_lost');
    });
  }
}

/** What a task and its record have in common. */
type Followed = Pick<CommandTask, 'taskId' | 'appId' | 'app' | 'process' | 'timeoutMs' | 'graceMs'>;
