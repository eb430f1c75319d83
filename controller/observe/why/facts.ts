import type { Limits } from '../../../shared/domain/assignment.ts';
import type { FleetEvent } from '../../../shared/domain/event.ts';
import type { InstanceState, InstanceStatus, Reason } from '../../../shared/domain/instance.ts';
import type { Formation } from '../../../shared/domain/placement.ts';
import type { BuildState, NodeState, ReleaseState } from '../../../shared/domain/states.ts';

// All that the answer to "why?" is made of, at one moment. Times are wall clock, ms.

export interface NodeFact {
  readonly name: string;
  readonly state: NodeState;
  readonly connected: boolean;
  readonly cordoned: boolean;
  readonly draining: boolean;
  readonly lost: boolean;
  /** It went away together with too many others: nothing of it is moved. */
  readonly held: boolean;
  readonly lastSeenMsAgo?: number | undefined;
  readonly diskFreeBytes?: number | undefined;
  readonly missing: readonly string[];
  /** Why its agent cannot put its machine right or, while it is not connected, could not start. */
  readonly trouble?: Reason | undefined;
  readonly versionTrouble?: Reason | undefined;
  /** Why it does not do what this controller wants. */
  readonly refusal?: Reason | undefined;
  readonly certificateExpiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
  /** Instances that are wanted on it, of apps the asker may see. */
  readonly instances: number;
}

export interface InstanceFact {
  /** `web.1` */
  readonly name: string;
  readonly type: string;
  readonly release: number;
  readonly node: string;
  readonly desired: 'run' | 'standby' | 'stop';
  readonly limits: Limits;
  /** `unknown` while its node is not connected. */
  readonly state: InstanceState | 'unknown';
  readonly status?: InstanceStatus | undefined;
  /** Why it has to leave its node and cannot: why not on each other. */
  readonly stuck?: string | undefined;
}

export interface ReleaseFact {
  readonly version: number;
  readonly state: ReleaseState;
  readonly description: string;
  readonly user: string;
  readonly createdAtMs: number;
  readonly failure?: Reason | undefined;
}

export interface BuildFact {
  readonly id: string;
  readonly state: BuildState;
  readonly commit: string;
  readonly user: string;
  readonly createdAtMs: number;
  readonly failure?: Reason | undefined;
}

export interface AppWhyFacts {
  readonly nowMs: number;
  readonly app: string;
  readonly current?: ReleaseFact | undefined;
  /** Newest of any state. */
  readonly latest?: ReleaseFact | undefined;
  readonly latestBuild?: BuildFact | undefined;
  /** Why the route table has no line of it; absent: it has one, or the app was never deployed. */
  readonly leftOut?: Reason | undefined;
  /** Of the current release. */
  readonly wanted: Formation;
  readonly instances: readonly InstanceFact[];
  /** What is wanted and has no place, and why not on each node, where that is known. */
  readonly placeless: ReadonlyMap<string, string>;
  /** For how long it waits for a node that is silent. */
  readonly patienceMs: number | 'never';
  readonly nodes: readonly NodeFact[];
  /** Of the app, newest first. */
  readonly events: readonly FleetEvent[];
}
