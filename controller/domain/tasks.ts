import type { AppId, BuildId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { TaskState } from '../../shared/domain/states.ts';
import type { TaskKind } from '../../shared/domain/task.ts';

export interface NewTask {
  readonly id: TaskId;
  readonly kind: TaskKind;
  readonly appId: AppId;
  readonly nodeId: NodeId;
  /** The build that the task runs. */
  readonly buildId?: BuildId | undefined;
}

/** A task as the database keeps it. */
export interface TaskRecord extends NewTask {
  readonly state: TaskState;
  readonly createdAtMs: number;
  /** When the controller began to send it to the node. */
  readonly startedAtMs?: number | undefined;
  readonly finishedAtMs?: number | undefined;
  /** Why it failed or was cancelled. */
  readonly failure?: Reason | undefined;
}
