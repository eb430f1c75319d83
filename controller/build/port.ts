import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { BuildId, Digest, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { RequiredLabels } from '../../shared/domain/placement.ts';

/** Durable, content-addressed slug layers on the controller's disk. */
export interface ImageStore {
  has(digest: Digest): Promise<boolean>;
  sizeBytes(digest: Digest): Promise<number | undefined>;
  /** Verifies while it writes; fsync, rename. @throws SLIP_IMAGE_DIGEST, SLIP_DISK_FULL */
  put(digest: Digest, body: NodeJS.ReadableStream, signal: AbortSignal): Promise<void>;
  open(digest: Digest, offsetBytes: number): Promise<NodeJS.ReadableStream>;
  list(): Promise<readonly Digest[]>;
  /** Removes them before it returns, so that no upload and no query happens in the meantime. Images that do not exist are skipped. */
  removeNow(digests: readonly Digest[]): void;
  /** Deletes unfinished uploads of an earlier life. */
  sweep(): Promise<void>;
}

/** A build task, and the node that runs it. */
export interface BuildTaskRequest {
  readonly node: NodeId;
  readonly task: BuildTask;
  readonly buildId?: BuildId | undefined;
  readonly output: (chunk: Uint8Array) => void;
  /** Cancels the task. */
  readonly signal: AbortSignal;
}

/** Runs tasks on connected builder agents: the only way the controller gets anything of an app executed. */
export interface Builders {
  /** Connected, ready nodes whose agent is set to build; whether they may is the fleet's rule to say. */
  available(): readonly BuilderNode[];
  /** Sends the task and resolves with the agent's result. Aborting cancels it there. @throws SLIP_BUILD_*, SLIP_BUILDER_LOST */
  run(request: BuildTaskRequest): Promise<BuildResult>;
}

export interface BuilderNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly runningTasks: number;
  /** Apps whose build cache it holds. */
  readonly cachedApps: ReadonlySet<string>;
  readonly stacks: readonly string[];
  /** Given by the operator; nothing that a node says of itself. */
  readonly labels: RequiredLabels;
  /** It gets nothing new; a node that is drained is cordoned. */
  readonly cordoned: boolean;
}

/** The source of a running task, for the agent that holds it: `git archive` of its commit, compressed. */
export interface TaskSources {
  open(node: NodeId, taskId: TaskId): Promise<NodeJS.ReadableStream | undefined>;
}
