import type { NodeBody } from './api.ts';
import type { InstanceState } from './instance.ts';
import type { RequiredLabels } from './placement.ts';

/**
 * Below this a loss could not be told from an outage: of nodes that went away together all must be known to be unreachable
 * before the first of them is given up.
 */
export const MIN_LOST_AFTER_MS = 45_000;

/** One instance of a node, and what becomes of it. */
export interface PlacedBody {
  readonly app: string;
  /** `web.1` */
  readonly name: string;
  readonly release: number;
  /** `unknown` while its node is not connected. */
  readonly state: InstanceState | 'unknown';
  readonly desired: 'run' | 'standby' | 'stop';
  /** The node on which its copy runs or starts. */
  readonly movingTo?: string | undefined;
  /** Why it has to leave and cannot. */
  readonly waits?: string | undefined;
}

export interface NodeInfoBody extends NodeBody {
  /** Until when its instances are moved away, wall clock. */
  readonly drainUntilMs?: number | undefined;
  readonly placed: readonly PlacedBody[];
}

export interface PlannedMoveBody {
  readonly app: string;
  readonly instance: string;
  readonly from: string;
  readonly to: string;
  readonly state: 'planned' | 'moving' | 'moved' | 'stayed';
}

export interface RebalanceBody {
  readonly running: boolean;
  readonly moves: readonly PlannedMoveBody[];
}

/** Who is given builds. */
export interface BuildersBody {
  /** None: every node whose agent is set to build. */
  readonly require: RequiredLabels;
  readonly nodes: readonly {
    readonly name: string;
    /** In words that follow its name; absent for a node that builds. */
    readonly whyNot?: string | undefined;
  }[];
}

export interface LostAfterBody {
  /** Absent: the controller's default. */
  readonly lostAfterMs?: number | 'never' | undefined;
  readonly defaultMs: number;
}
