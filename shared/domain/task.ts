import type { BuildResult, BuildTask } from './build.ts';
import { COMMAND_KINDS, type CommandKind, type CommandResult, type CommandTask } from './command.ts';

/** The kinds of work that the controller gives to an agent beside its instances. */
export const TASK_KINDS = ['build', ...COMMAND_KINDS] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

export type Task = BuildTask | CommandTask;
export type TaskResultContent = BuildResult | CommandResult;

export function isTaskKind(text: string): text is TaskKind {
  return TASK_KINDS.some((kind) => kind === text);
}

export function isCommandKind(kind: string): kind is CommandKind {
  return COMMAND_KINDS.some((one) => one === kind);
}

export function isCommandTask(task: Task): task is CommandTask {
  return task.kind !== 'build';
}
