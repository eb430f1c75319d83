import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { AppId, TaskId } from '../../shared/domain/ids.ts';
import { toReason, type Reason } from '../../shared/domain/instance.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { TaskRunners } from './port.ts';

export interface TasksDeps {
  readonly runners: TaskRunners;
  readonly output: (taskId: TaskId, chunk: Uint8Array) => void;
  readonly result: (taskId: TaskId, outcome: BuildResult | Reason) => void;
  /** Called after each task. Its sandbox may remain until the clean-up. */
  readonly ended?: (() => void) | undefined;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

interface RunningTask {
  readonly appId: AppId;
  readonly cancel: AbortController;
}

/** The builds of this node. Each runs once and sends one result. */
export class Tasks {
  readonly #deps: TasksDeps;
  readonly #running = new Map<TaskId, RunningTask>();

  constructor(deps: TasksDeps) {
    this.#deps = deps;
  }

  running(): readonly TaskId[] {
    return [...this.#running.keys()];
  }

  runningOf(appId: AppId): readonly TaskId[] {
    return this.running().filter((taskId) => this.#running.get(taskId)?.appId === appId);
  }

  start(task: BuildTask): void {
    if (this.#running.has(task.taskId)) return;
    const cancel = new AbortController();
    this.#running.set(task.taskId, { appId: task.appId, cancel });
    void this.#run(task, cancel.signal).finally(() => {
      this.#running.delete(task.taskId);
      this.#deps.ended?.();
    });
  }

  cancel(taskId: TaskId): void {
    this.#running.get(taskId)?.cancel.abort(new Error('the task was cancelled'));
  }

  cancelAll(): void {
    for (const { cancel } of this.#running.values()) cancel.abort(new Error('the agent is stopping'));
  }

  async #run(task: BuildTask, signal: AbortSignal): Promise<void> {
    const { runners, output, result, failpoint, log } = this.#deps;
    const { kind, taskId, app } = task;
    try {
      await failpoint('agent.taskStarted');
      const outcome = await runners[kind](task, { output: (chunk) => output(taskId, chunk), signal });
      await failpoint('agent.taskDone');
      result(taskId, outcome);
    } catch (error) {
      const known = toSlipwayError(error);
      if (known.kind === 'bug') log.error({ app, kind, err: error }, 'task.failed');
      result(taskId, toReason(known));
    }
  }
}
