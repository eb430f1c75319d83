// Bodies of the API about the quotas of one user.

export interface QuotaBody {
  readonly name: string;
  /** In words: `SSH keys`. */
  readonly what: string;
  readonly max: number;
  /** Absent for quotas that are counted only while something runs. */
  readonly used?: number | undefined;
  /** An administrator has set this number for this user. */
  readonly own: boolean;
}

export interface QuotasBody {
  readonly user: string;
  readonly quotas: readonly QuotaBody[];
}
