import type { UserId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { QuotaName, Quotas } from '../../shared/domain/quota.ts';
import type { UserQuotas, OverQuota, QuotaChanges } from '../domain/quotas.ts';

/** Part of the store: the quotas of users. The store refuses a row above a quota in the transaction that would add it. */
export interface QuotaStore {
  /** The numbers of a user without own numbers. */
  readonly defaultQuotas: Quotas;
  quotasOf(userId: UserId): Promise<UserQuotas>;
  /** The number of one quota, with fewer queries than `quotasOf`. */
  quotaOf(userId: UserId, name: QuotaName): Promise<number>;
  /** All users and apps above a quota that was lowered. Needs a fixed number of queries. */
  overQuotas(): Promise<readonly OverQuota[]>;
  setQuotas(userId: UserId, changes: QuotaChanges, by: UserName): Promise<UserQuotas>;
}
