import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';

export interface TaskIo {
  output(chunk: Uint8Array): void;
  /** Aborted when the task is cancelled or the agent stops. */
  readonly signal: AbortSignal;
}

/** Runs tasks that end with the agent: builds. Commands outlive the agent (`agent/one-off`). */
export interface TaskRunners {
  readonly build: (task: BuildTask, io: TaskIo) => Promise<BuildResult>;
}
