// Bodies of the API about private networks that sandboxes may reach.
import type { ProblemBody } from './api.ts';

/** The list of the fleet. */
export interface EgressBody {
  readonly cidrs: readonly string[];
  /** Apps with a list of their own; only for administrators. */
  readonly apps?: readonly { readonly app: string; readonly cidrs: readonly string[] }[] | undefined;
}

/** The list of one app, and that of the fleet, which holds for it too. */
export interface AppEgressBody {
  readonly app: string;
  readonly cidrs: readonly string[];
  readonly fleet: readonly string[];
}

/** The change is made when the answer comes; the problems name the nodes that do not follow it. */
export interface EgressChangedBody {
  readonly cidr: string;
  readonly problems: readonly ProblemBody[];
}
