import type { UserId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
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

/** Part of the store: how much one user may have. The store itself refuses more, in the transaction that would add it. */
export interface QuotaStore {
  /** The numbers of a user without own numbers. */
  readonly defaultQuotas: Quotas;
  quotasOf(userId: UserId): Promise<UserQuotas>;
  /** The number of one quota; cheaper than all of them. */
  quotaOf(userId: UserId, name: QuotaName): Promise<number>;
  /** All users and apps above a quota that was lowered. Needs a fixed number of queries. */
  overQuotas(): Promise<readonly OverQuota[]>;
  setQuotas(userId: UserId, changes: QuotaChanges, by: UserName): Promise<UserQuotas>;
}
