import type { TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { TaskState } from '../../shared/domain/states.ts';
import type { NewTask, TaskRecord } from '../domain/tasks.ts';

export interface TaskStore {
  /** Records a task in the state `pending`. */
  createTask(task: NewTask): Promise<void>;
  /** @throws SLIP_STATE_ILLEGAL when the task cannot go to that state */
  setTaskState(id: TaskId, state: TaskState, failure?: Reason): Promise<void>;
  task(id: TaskId): Promise<TaskRecord | undefined>;
  /** Tasks that have not ended, oldest first. */
  unfinishedTasks(): Promise<readonly TaskRecord[]>;
}
