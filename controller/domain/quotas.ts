import type { OwnQuotas, QuotaName, Quotas } from '../../shared/domain/quota.ts';

/** The quotas of a user, and the current numbers. */
export interface UserQuotas {
  readonly max: Quotas;
  /** Numbers that an administrator has set for this user. */
  readonly own: OwnQuotas;
  /** Numbers of rows in the database. Open connections and running builds are counted where they run. */
  readonly used: Readonly<Partial<Record<QuotaName, number>>>;
}

/** A number for this user, or null for the fleet's number. */
export type QuotaChanges = Readonly<Partial<Record<QuotaName, number | null>>>;

/** A user, or one app of a user, with more rows than the quota. */
export interface OverQuota {
  readonly user: string;
  /** Absent: all apps of the user together. */
  readonly app?: string | undefined;
  readonly quota: QuotaName;
  readonly used: number;
  readonly max: number;
}
