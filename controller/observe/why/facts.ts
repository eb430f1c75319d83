import type { Limits } from '../../../shared/domain/assignment.ts';
import type { CommandKind } from '../../../shared/domain/command.ts';
import type { FleetEvent } from '../../../shared/domain/event.ts';
import type { InstanceState, InstanceStatus, Reason } from '../../../shared/domain/instance.ts';
import type { Formation, Stopped } from '../../../shared/domain/placement.ts';
import type { BuildState, NodeState, ReleaseState } from '../../../shared/domain/states.ts';

// The state that `why` explains. Times are wall clock, ms.

export interface NodeFact {
  readonly name: string;
  readonly state: NodeState;
  readonly connected: boolean;
  readonly cordoned: boolean;
  readonly draining: boolean;
  /** End of the drain. */
  readonly drainUntilMs?: number | undefined;
  readonly lost: boolean;
  /** Too many nodes are absent, so its instances are not moved. */
  readonly held: boolean;
  readonly lastSeenMsAgo?: number | undefined;
  readonly diskFreeBytes?: number | undefined;
  readonly missing: readonly string[];
  /** Why its agent cannot repair its machine, or could not start (while it is disconnected). */
  readonly failure?: Reason | undefined;
  readonly versionMismatch?: Reason | undefined;
  /** Why it refuses the desired state of this controller. */
  readonly refusedReason?: Reason | undefined;
  readonly certificateExpiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
  /** One-off commands that run on it, of apps that the user may see: `release.12 of shop`. */
  readonly commands: readonly string[];
  /** Number of wanted instances on it, of apps that the user may see. */
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
  /** False: its health checks fail. */
  readonly ready?: boolean | undefined;
  readonly status?: InstanceStatus | undefined;
  /** Why it cannot leave its node although it must: the reason for each other node. */
  readonly stuck?: string | undefined;
}

/** A one-off command that runs now. */
export interface CommandFact {
  /** `release.12` */
  readonly process: string;
  readonly kind: CommandKind;
  readonly release: number;
  readonly node: string;
  readonly startedAtMs?: number | undefined;
}

/** A script of app.json that failed after its release was live. */
export interface FailedScript {
  /** `release.postdeploy.12` */
  readonly process: string;
  readonly release: number;
  readonly failure?: Reason | undefined;
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
  /** The newest release, in any state. */
  readonly latest?: ReleaseFact | undefined;
  readonly latestBuild?: BuildFact | undefined;
  /** Why the app is not in the route table. Absent: it is, or it was never deployed. */
  readonly leftOut?: Reason | undefined;
  /** Of the current release; 0 for stopped process types. */
  readonly wanted: Formation;
  readonly stopped?: Stopped | undefined;
  readonly maintenance?: boolean | undefined;
  readonly instances: readonly InstanceFact[];
  /** The newest runs of cron entries, where they failed. */
  readonly failedCron: readonly { readonly process: string; readonly failure?: Reason | undefined }[];
  /** Scripts of app.json that failed after the current release was live. */
  readonly failedScripts: readonly FailedScript[];
  readonly commands: readonly CommandFact[];
  /** Wanted instances without a place, with the known reason for each node. */
  readonly placeless: ReadonlyMap<string, string>;
  /** How long a node may be silent before the app's instances move. */
  readonly patienceMs: number | 'never';
  readonly nodes: readonly NodeFact[];
  /** Events of the app, newest first. */
  readonly events: readonly FleetEvent[];
}
