// Bodies of the API about host names.
import type { ProblemBody } from './api.ts';

export interface DomainsBody {
  /** The app's own name under the fleet's domain; it cannot be taken away. */
  readonly own: string;
  readonly domains: readonly DomainBody[];
}

export interface DomainBody {
  readonly hostname: string;
  readonly createdAtMs: number;
}

/** A change is made when the answer comes; the problems name the nodes that do not follow it. */
interface DomainChangeBody {
  /** Absent: the controller is older than this field. */
  readonly problems?: readonly ProblemBody[] | undefined;
}

export interface DomainAddedBody extends DomainBody, DomainChangeBody {}

export interface DomainRemovedBody extends DomainChangeBody {
  readonly hostname: string;
}

export interface DomainsClearedBody extends DomainChangeBody {
  readonly removed: number;
}
