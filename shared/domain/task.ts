import type { BuildResult, BuildTask } from './build.ts';

/** The kinds of work that the controller gives to an agent beside its instances. */
export const TASK_KINDS = ['build'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** The message and the result of each kind. */
interface TaskTypes {
  readonly build: { readonly task: BuildTask; readonly result: BuildResult };
}

export type TaskOf<K extends TaskKind> = TaskTypes[K]['task'];
export type ResultOf<K extends TaskKind> = TaskTypes[K]['result'];
export type Task = TaskOf<TaskKind>;

export function isTaskKind(text: string): text is TaskKind {
  return TASK_KINDS.some((kind) => kind === text);
}
