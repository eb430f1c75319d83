import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { AppId, TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { BuildRunner } from './port.ts';

export interface TasksDeps {
  readonly runner: BuildRunner;
  readonly openSource: (taskId: TaskId, signal: AbortSignal) => Promise<NodeJS.ReadableStream>;
  readonly output: (taskId: TaskId, chunk: Uint8Array) => void;
  readonly result: (taskId: TaskId, outcome: BuildResult | Reason) => void;
  /** A task is over, and its sandbox is left to the clean-up. */
  readonly ended?: (() => void) | undefined;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

interface Running {
  readonly appId: AppId;
  readonly cancel: AbortController;
}

/** The tasks this node holds: each runs once and answers once. */
export class Tasks {
  readonly #deps: TasksDeps;
  readonly #running = new Map<TaskId, Running>();

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
    this.#running.get(taskId)?.cancel.abort(new Error('the build was cancelled'));
  }

  cancelAll(): void {
    for (const { cancel } of this.#running.values()) cancel.abort(new Error('the agent is stopping'));
  }

  async #run(task: BuildTask, signal: AbortSignal): Promise<void> {
    const { runner, output, openSource, result, failpoint, log } = this.#deps;
    try {
      const io = {
        openSource: (within: AbortSignal) => openSource(task.taskId, within),
        output: (chunk: Uint8Array) => {
          output(task.taskId, chunk);
        },
        signal,
      };
      await failpoint('agent.taskStarted');
      const built = await runner.build(task, io);
      await failpoint('agent.taskDone');
      result(task.taskId, built);
    } catch (error) {
      const known = toSlipwayError(error);
      if (known.kind === 'bug') log.error({ app: task.app, err: error }, 'task.failed');
      result(task.taskId, { code: known.code, message: known.message, hint: known.hint });
    }
  }
}
