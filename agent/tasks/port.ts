import type { ResultOf, TaskKind, TaskOf } from '../../shared/domain/task.ts';

export interface TaskIo {
  output(chunk: Uint8Array): void;
  /** Aborted when the task is cancelled or the agent stops. */
  readonly signal: AbortSignal;
}

type TaskRunner<K extends TaskKind> = (task: TaskOf<K>, io: TaskIo) => Promise<ResultOf<K>>;

/** The program part that runs each kind of task. */
export type TaskRunners = { readonly [K in TaskKind]: TaskRunner<K> };
