import type { DesiredInstanceState, Limits } from '../../shared/domain/assignment.ts';
import type { AppId, BuildId, InstanceId, NodeId, UserId } from '../../shared/domain/ids.ts';
import type { AppName, ProcessType } from '../../shared/domain/names.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { BuildState, ReleaseState } from '../../shared/domain/states.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';

// What the store keeps of an app, as every step of the pipeline sees it.

export interface App {
  readonly id: AppId;
  readonly name: AppName;
  readonly ownerId: UserId;
  /** Start of its range of 65536 uids. No other app has it, and no node has data of a former app that had it. */
  readonly uidBase: number;
  readonly stack: string;
  readonly createdAtMs: number;
  /** How long a node may be silent before the app's instances on it are placed elsewhere; absent: the controller's default. */
  readonly lostAfterMs?: LostAfter | undefined;
}

export type LostAfter = number | 'never';

export interface Build {
  readonly id: BuildId;
  readonly appId: AppId;
  readonly userId: UserId;
  readonly commit: string;
  readonly state: BuildState;
  readonly createdAtMs: number;
  readonly finishedAtMs?: number | undefined;
  /** Sentence and hint of a failed build. */
  readonly failure?:
    { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
  /** Where the time of the push went, ms; kept for `builds:info`. */
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Immutable but for its state. */
export interface Release {
  readonly appId: AppId;
  /** From 1, without a gap; old releases are removed (RELEASES_KEPT), and their numbers are not used again. */
  readonly version: number;
  readonly state: ReleaseState;
  readonly slug: Slug;
  readonly config: ConfigVars;
  readonly buildId?: BuildId | undefined;
  readonly userId: UserId;
  /** `Deploy abc1234`, `Set A, B config vars`. */
  readonly description: string;
  /** Ref to move when it becomes current, and the commit; absent for config releases. */
  readonly ref?: string | undefined;
  readonly createdAtMs: number;
  readonly failure?:
    { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
}

/** Why an instance takes the place of another. */
export type MoveReason = 'drain' | 'lost' | 'rebalance';

/** Durable half of an assignment; the rest comes from its release and app. */
export interface AssignmentRow {
  readonly instanceId: InstanceId;
  readonly nodeId: NodeId;
  readonly appId: AppId;
  readonly release: number;
  readonly processType: ProcessType;
  readonly ordinal: number;
  readonly limits: Limits;
  readonly desired: DesiredInstanceState;
  readonly createdAtMs: number;
  /** The instance whose place it takes; the older one goes once this one is live. */
  readonly replaces?: InstanceId | undefined;
  readonly moveReason?: MoveReason | undefined;
}
