import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import type { BuildId, Digest, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { RequiredLabels } from '../../shared/domain/placement.ts';

/** Stores slug layers by their digest on the controller's disk. */
export interface ImageStore {
  has(digest: Digest): Promise<boolean>;
  sizeBytes(digest: Digest): Promise<number | undefined>;
  /** Verifies the digest while it writes, and makes the file durable. @throws SLIP_IMAGE_DIGEST, SLIP_DISK_FULL */
  put(digest: Digest, body: NodeJS.ReadableStream, signal: AbortSignal): Promise<void>;
  open(digest: Digest, offsetBytes: number): Promise<NodeJS.ReadableStream>;
  list(): Promise<readonly Digest[]>;
  /** Removes the images synchronously, so that no upload and no query runs in between. Images that do not exist are skipped. */
  removeNow(digests: readonly Digest[]): void;
  /** Deletes unfinished uploads of a former controller process. */
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

/** Runs builds on connected agents. The controller never runs code of an app itself. */
export interface Builders {
  /** Connected, ready nodes whose agent is configured to build. The builder pool decides whether they may. */
  available(): readonly BuilderNode[];
  /** Sends the task and resolves with the agent's result. @throws SLIP_BUILD_*, SLIP_BUILDER_LOST */
  runBuild(request: BuildTaskRequest): Promise<BuildResult>;
}

export interface BuilderNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly runningTasks: number;
  /** Apps whose build cache the node has. */
  readonly cachedApps: ReadonlySet<string>;
  readonly stacks: readonly string[];
  /** Set by the operator. A node cannot change them. */
  readonly labels: RequiredLabels;
  /** The node gets no new work. A drained node is also cordoned. */
  readonly cordoned: boolean;
}

/** The source of a running build for the agent that runs it: the compressed `git archive` of the commit. */
export interface TaskSources {
  open(node: NodeId, taskId: TaskId): Promise<NodeJS.ReadableStream | undefined>;
}
