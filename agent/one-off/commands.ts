import type { CommandTask } from '../../shared/domain/command.ts';
import type { AppId, Digest, TaskId } from '../../shared/domain/ids.ts';
import { toReason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { TaskProgress } from '../../shared/rpc/messages.ts';
import { CommandRun, type CommandRunDeps } from './command-run.ts';
import type { CommandLogRequest } from './command-log.ts';
import { newRecord, type CommandOutcome, type CommandRecord } from './record.ts';

export interface CommandsDeps extends CommandRunDeps {
  readonly readLog: (request: CommandLogRequest) => Promise<void>;
  readonly output: (taskId: TaskId, chunk: Uint8Array) => void;
  readonly result: (taskId: TaskId, outcome: CommandOutcome) => void;
  /** Called after each command. */
  readonly ended?: (() => void) | undefined;
}

interface Held {
  record: CommandRecord;
  readonly cancel: AbortController;
  readonly ended: AbortController;
  /** Bytes of output that the controller has; undefined: it waits for no output. */
  readonly position: PromiseWithResolvers<number | undefined>;
  /** Resolves when the log can be read. */
  readonly started: PromiseWithResolvers<undefined>;
  isSent: boolean;
  /** Its removal has begun. */
  isEnding: boolean;
}

const REMOVE_RETRY: BackoffPolicy = Object.freeze({ firstMs: 1000, maxMs: 300_000, factor: 2 });

/**
 * The commands of this node. Each runs at most once: its id is on the disk before it starts. The sandbox of a command outlives the agent, and
 * the next agent adopts it. A result is kept until the controller has stored it.
 */
export class Commands {
  readonly #deps: CommandsDeps;
  readonly #run: CommandRun;
  readonly #held = new Map<TaskId, Held>();
  readonly #stopping = new AbortController();
  readonly #work = new Set<Promise<void>>();

  constructor(deps: CommandsDeps) {
    this.#deps = deps;
    this.#run = new CommandRun(deps, this.#stopping.signal);
  }

  /** Takes over the commands of an earlier agent. Call it before the first session. */
  async adopt(): Promise<void> {
    const { records, sandbox, log } = this.#deps;
    const found = await records.load();
    const known = new Set<string>(found.map(({ taskId }) => taskId));
    for (const { id, purpose } of await sandbox.list()) {
      if (purpose !== 'command' || known.has(id)) continue;
      log.warn({ id }, 'command.unknown_sandbox_removed');
      await sandbox.destroy(id).catch((error: unknown) => log.warn({ id, err: error }, 'command.sandbox_not_removed'));
    }
    for (const record of found) this.#begin(this.#hold(record), undefined);
  }

  /** A known command is not started again. If it has ended, its result is sent again. */
  start(task: CommandTask): void {
    const known = this.#held.get(task.taskId);
    if (known !== undefined) {
      this.#sendAgain(known);
      return;
    }
    const held = this.#hold(newRecord(task, this.#deps.clock.nowMs()));
    held.position.resolve(0);
    this.#begin(held, task);
  }

  cancel(taskId: TaskId): void {
    this.#held.get(taskId)?.cancel.abort(new Error('the command was cancelled'));
  }

  /** A session begins. Adopted commands continue their output after what the controller has. */
  welcomed(progress: readonly TaskProgress[]): void {
    for (const held of this.#held.values()) {
      held.position.resolve(progress.find(({ taskId }) => taskId === held.record.taskId)?.outputBytes);
      this.#sendAgain(held);
    }
  }

  /** The controller has stored the result. Resolves when nothing is left of the command, or when the agent stops. */
  async acknowledged(taskId: TaskId): Promise<void> {
    const held = this.#held.get(taskId);
    if (held?.record.outcome === undefined || held.isEnding) return;
    held.isEnding = true;
    const work = this.#removeUntilGone(held).finally(() => this.#work.delete(work));
    this.#work.add(work);
    await work;
  }

  /** Commands that run, and those whose result the controller has not stored yet. */
  held(): readonly TaskId[] {
    return [...this.#held.keys()];
  }

  runningOf(appId: AppId): readonly TaskId[] {
    return this.#of(appId).flatMap(({ record }) => (record.outcome === undefined ? [record.taskId] : []));
  }

  endedOf(appId: AppId): readonly TaskId[] {
    return this.#of(appId).flatMap(({ record }) => (record.outcome === undefined ? [] : [record.taskId]));
  }

  /** Removes the ended commands of a destroyed app, whose results nobody waits for. */
  async forget(appId: AppId): Promise<void> {
    for (const held of this.#of(appId)) if (held.record.outcome !== undefined) await this.#remove(held);
  }

  /** Layers that must not be garbage collected. */
  layersInUse(): ReadonlySet<Digest> {
    const running = [...this.#held.values()].filter(({ record }) => record.outcome === undefined);
    return new Set(running.flatMap(({ record }) => record.layers));
  }

  /** The commands continue to run. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const held of this.#held.values()) held.position.resolve(undefined);
    for (const { started, ended } of this.#held.values()) {
      started.resolve(undefined);
      ended.abort();
    }
    await Promise.all(this.#work);
  }

  #hold(record: CommandRecord): Held {
    const position = Promise.withResolvers<number | undefined>();
    const started = Promise.withResolvers<undefined>();
    const [cancel, ended] = [new AbortController(), new AbortController()];
    const held = { record, cancel, ended, position, started, isSent: false, isEnding: false };
    this.#held.set(record.taskId, held);
    return held;
  }

  #begin(held: Held, task: CommandTask | undefined): void {
    const work = this.#serve(held, task).finally(() => {
      this.#work.delete(work);
      this.#deps.ended?.();
    });
    this.#work.add(work);
  }

  /** Never rejects. */
  async #serve(held: Held, task: CommandTask | undefined): Promise<void> {
    const { log, failpoint } = this.#deps;
    const { taskId, app, kind } = held.record;
    const printed = this.#print(held).catch((error: unknown) =>
      log.warn({ task: taskId, err: error }, 'command.output_lost'),
    );
    try {
      const outcome = held.record.outcome ?? (await this.#outcome(held, task));
      held.record = { ...held.record, outcome };
      await this.#run.end(held.record);
      held.started.resolve(undefined);
      held.ended.abort();
      await printed;
      if (this.#stopping.signal.aborted) return;
      await failpoint('agent.commandRecorded');
      held.isSent = true;
      this.#deps.result(taskId, outcome);
    } catch (error) {
      if (!this.#stopping.signal.aborted) log.error({ app, kind, task: taskId, err: error }, 'command.failed');
    }
  }

  async #outcome(held: Held, task: CommandTask | undefined): Promise<CommandOutcome> {
    const { signal } = held.cancel;
    const save = async (change: Partial<CommandRecord>): Promise<void> => {
      const record = { ...held.record, ...change };
      await this.#deps.records.save(record);
      held.record = record;
    };
    const onStarted = (): void => held.started.resolve(undefined);
    try {
      if (task === undefined) onStarted();
      return await (task === undefined
        ? this.#run.adopt(held.record, signal)
        : this.#run.run(task, { signal, save, onStarted }));
    } catch (error) {
      if (this.#stopping.signal.aborted) throw error; // the next agent continues
      const known = toSlipwayError(error);
      if (known.kind === 'bug') this.#deps.log.error({ task: held.record.taskId, err: error }, 'command.failed');
      return toReason(known);
    }
  }

  async #print({ record, position, started, ended }: Held): Promise<void> {
    const skipBytes = await position.promise;
    await started.promise;
    if (skipBytes === undefined) return;
    const { readLog, output, sandbox } = this.#deps;
    const { app, process, taskId, outputLimitBytes: limitBytes } = record;
    const limitNotice = `\n[more than ${String(limitBytes)} bytes of output: the rest is in the log: slipway logs -a ${app} -p ${process}]\n`;
    const emit = (chunk: Uint8Array): void => output(taskId, chunk);
    await readLog({ dir: sandbox.logDir(taskId), skipBytes, limitBytes, limitNotice, ended: ended.signal, emit });
  }

  #sendAgain({ record, isSent }: Held): void {
    if (isSent && record.outcome !== undefined) this.#deps.result(record.taskId, record.outcome);
  }

  /** Never rejects. A sandbox that is left would keep its memory and disk for as long as the agent runs. */
  async #removeUntilGone(held: Held): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted && this.#held.has(held.record.taskId); attempt += 1) {
      try {
        await this.#remove(held);
      } catch (error) {
        log.warn({ task: held.record.taskId, err: error }, 'command.record_not_removed');
        await clock.sleep(backoffDelayMs(REMOVE_RETRY, attempt, random()), signal).catch(() => undefined);
      }
    }
  }

  async #remove({ record }: Held): Promise<void> {
    await this.#deps.sandbox.destroy(record.taskId);
    await this.#deps.failpoint('agent.commandRemoved');
    await this.#deps.records.remove(record.taskId);
    this.#held.delete(record.taskId);
    this.#deps.ended?.();
  }

  #of(appId: AppId): readonly Held[] {
    return [...this.#held.values()].filter(({ record }) => record.appId === appId);
  }
}
