import type { UserId } from '../../shared/domain/ids.ts';
import type { UserName } from '../../shared/domain/names.ts';
import type { OwnQuotas, QuotaName, Quotas } from '../../shared/domain/quota.ts';

/** What a user may have, and what the user has. */
export interface UserQuotas {
  readonly max: Quotas;
  /** Those that an administrator has set for this user. */
  readonly own: OwnQuotas;
  /** Of what the database counts; what is open or running now is counted where it runs. */
  readonly used: Readonly<Partial<Record<QuotaName, number>>>;
}

/** A number for this user, or null: the fleet's number again. */
export type QuotaChanges = Readonly<Partial<Record<QuotaName, number | null>>>;

/** Part of the store: how much one user may make. The store itself refuses what is beyond, in the transaction that would make it. */
export interface QuotaStore {
  /** The numbers of a user whom nobody gave others. */
  readonly defaultQuotas: Quotas;
  quotasOf(userId: UserId): Promise<UserQuotas>;
  /** The number of one quota; cheaper than all of them. */
  quotaOf(userId: UserId, name: QuotaName): Promise<number>;
  setQuotas(userId: UserId, changes: QuotaChanges, by: UserName): Promise<UserQuotas>;
}
