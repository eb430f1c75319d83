// Bodies of the API about what one user may have.

export interface QuotaBody {
  readonly name: string;
  /** In words: `SSH keys`. */
  readonly what: string;
  readonly max: number;
  /** Absent for what is counted only while it runs. */
  readonly used?: number | undefined;
  /** An administrator has set this number for this user. */
  readonly own: boolean;
}

export interface QuotasBody {
  readonly user: string;
  readonly quotas: readonly QuotaBody[];
}
