// Bodies of the API about host names.

export interface DomainsBody {
  /** The app's own name under the fleet's domain; it cannot be taken away. */
  readonly own: string;
  readonly domains: readonly DomainBody[];
}

export interface DomainBody {
  readonly hostname: string;
  readonly createdAtMs: number;
}

export interface DomainsClearedBody {
  readonly removed: number;
}
