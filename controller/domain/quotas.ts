import type { OwnQuotas, QuotaName, Quotas } from '../../shared/domain/quota.ts';

/** What a user may have, and what the user has. */
export interface UserQuotas {
  readonly max: Quotas;
  /** Those that an administrator has set for this user. */
  readonly own: OwnQuotas;
  /** Numbers of rows in the database. Open connections and running builds are counted where they run. */
  readonly used: Readonly<Partial<Record<QuotaName, number>>>;
}

/** A number for this user, or null: back to the fleet's number. */
export type QuotaChanges = Readonly<Partial<Record<QuotaName, number | null>>>;

/** A user, or one app of a user, with more rows than the quota. */
export interface OverQuota {
  readonly user: string;
  /** Absent: all of the user's together. */
  readonly app?: string | undefined;
  readonly quota: QuotaName;
  readonly used: number;
  readonly max: number;
}
