import type { TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { isTerminal, TASK_STATES, type TaskState } from '../../shared/domain/states.ts';
import type { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { NewTask } from '../domain/tasks.ts';
import type { TaskStore } from '../store/task-port.ts';
import { BUILD_FAILURES } from './task-failures.ts';

export interface TaskRecordsDeps {
  readonly store: TaskStore;
  readonly logger: Logger;
}

interface TaskEnd {
  readonly state: TaskState;
  readonly failure?: Reason | undefined;
}

/** Keeps the rows of tasks in step with what happens to them. */
export class TaskRecords {
  readonly #deps: TaskRecordsDeps;
  /** Ends that could not be written, for example because the disk was full. They are written before the next task starts. */
  readonly #unwritten = new Map<TaskId, TaskEnd>();

  constructor(deps: TaskRecordsDeps) {
    this.#deps = deps;
  }

  /** Records the task before it is sent, so that a restart of the controller can never lose it. */
  async create(task: NewTask): Promise<void> {
    for (const [id, end] of this.#unwritten) await this.#writeEnd(id, end);
    await this.#deps.store.createTask(task);
  }

  async started(id: TaskId): Promise<void> {
    await this.#deps.store.setTaskState(id, 'running');
  }

  async succeeded(id: TaskId): Promise<void> {
    await this.#end(id, { state: 'succeeded' });
  }

  async failed(id: TaskId, error: SlipwayError, wasCancelled: boolean): Promise<void> {
    const { code, message, hint } = error;
    await this.#end(id, { state: wasCancelled ? 'cancelled' : 'failed', failure: { code, message, hint } });
  }

  /** A build that was not finished when the last controller process ended has failed. Call this before the first task. */
  async failInterrupted(): Promise<void> {
    const { store } = this.#deps;
    for (const { id, kind } of await store.unfinishedTasks())
      if (kind === 'build') await store.setTaskState(id, 'failed', BUILD_FAILURES.interrupted);
  }

  /** Never rejects: the result of the task must reach its caller even when it cannot be recorded. */
  async #end(id: TaskId, end: TaskEnd): Promise<void> {
    try {
      await this.#writeEnd(id, end);
    } catch (error) {
      this.#unwritten.set(id, end);
      this.#deps.logger.error({ task: id, err: error }, 'task.end_not_stored');
    }
  }

  /** The row is gone when its app was destroyed. */
  async #writeEnd(id: TaskId, { state, failure }: TaskEnd): Promise<void> {
    const record = await this.#deps.store.task(id);
    if (record !== undefined && !isTerminal(TASK_STATES, record.state))
      await this.#deps.store.setTaskState(id, state, failure);
    this.#unwritten.delete(id);
  }
}
