import type { Limits } from './assignment.ts';
import type { Count, PlacementRule } from './placement.ts';

/** One process type: how many, with what, where. */
export interface ProcessPlanBody {
  readonly type: string;
  readonly quantity: Count;
  /** Absent before the first deploy. */
  readonly command?: string | undefined;
  readonly limits: Limits;
  readonly placement: PlacementRule;
}

/** Answer to a change of quantities: what was asked about, as it is wanted now. */
export interface ScaledBody {
  readonly formation: readonly { readonly type: string; readonly quantity: Count }[];
}

export interface RestartedBody {
  readonly instances: number;
}
