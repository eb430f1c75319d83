import { sql } from 'kysely';
import type { UserId } from '../../../shared/domain/ids.ts';
import { QUOTA_NAMES, type OwnQuotas, type QuotaName, type Quotas } from '../../../shared/domain/quota.ts';
import { quotaReached } from '../../access/quota-error.ts';
import type { QuotaStore } from '../quota-port.ts';
import type { UserQuotas } from '../../domain/quotas.ts';
import { readOverQuotas } from './over-quotas.ts';
import { insertEvent, userActor } from './events.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { parseRow, quotasColumn } from './rows.ts';
import type { Tx } from './schema.ts';

/** Quotas that the database can count; each query uses an index. */
const COUNTED = {
  apps: (userId: string) => sql<Row>`select count(*) as count from apps where owner_id = ${userId}`,
  keys: (userId: string) => sql<Row>`select count(*) as count from ssh_keys where user_id = ${userId}`,
  tokens: (userId: string) => sql<Row>`select count(*) as count from api_tokens where user_id = ${userId}`,
  certificates: (userId: string) =>
    sql<Row>`select count(*) as count from tls_certificates join apps on apps.id = tls_certificates.app_id where kind = 'uploaded' and apps.owner_id = ${userId}`,
  domains: (userId: string) =>
    sql<Row>`select count(*) as count from domains join apps on apps.id = domains.app_id where apps.owner_id = ${userId}`,
} as const;

interface Row {
  readonly count: number;
}

type Counted = keyof typeof COUNTED;

export function createQuotas({ inTransaction, clock, quotas }: RepositoryDeps): QuotaStore {
  return {
    defaultQuotas: quotas,
    quotasOf: (userId) => inTransaction((tx) => readQuotas(tx, quotas, userId)),
    quotaOf: (userId, name) => inTransaction((tx) => maxOf(tx, quotas, { userId, name })),
    overQuotas: () => inTransaction((tx) => readOverQuotas(tx, quotas)),
    setQuotas: (userId, changes, by) =>
      inTransaction(async (tx) => {
        const merged = { ...(await ownQuotas(tx, userId)), ...changes };
        const own = Object.fromEntries(Object.entries(merged).filter(([, max]) => max !== null)) as OwnQuotas;
        await tx
          .updateTable('users')
          .set({ quotas: JSON.stringify(own) })
          .where('id', '=', userId)
          .execute();
        const user = await userActor(tx, userId);
        const words = Object.entries(changes).map(
          ([name, max]) => `${name} ${max === null ? 'back to the default' : String(max)}`,
        );
        const message = `The quotas of user ${user} were changed: ${words.join(', ')}.`;
        await insertEvent(tx, clock, { kind: 'user.quotas', actor: by, message, next: `slipway users:quotas ${user}` });
        return await readQuotas(tx, quotas, userId);
      }),
  };
}

/** Call it in the transaction that adds a row, before it does so. @throws SLIP_QUOTA */
export async function requireQuota(
  tx: Tx,
  quotas: Quotas,
  quota: { readonly userId: UserId; readonly name: Counted },
): Promise<void> {
  const max = await maxOf(tx, quotas, quota);
  if ((await count(tx, quota.name, quota.userId)) < max) return;
  throw quotaReached({ name: quota.name, max, user: await userActor(tx, quota.userId) });
}

export async function maxOf(
  tx: Tx,
  quotas: Quotas,
  { userId, name }: { readonly userId: string; readonly name: QuotaName },
): Promise<number> {
  return (await ownQuotas(tx, userId))[name] ?? quotas[name];
}

async function count(tx: Tx, name: Counted, userId: string): Promise<number> {
  const { rows } = await COUNTED[name](userId).execute(tx);
  return rows[0]?.count ?? 0;
}

async function readQuotas(tx: Tx, quotas: Quotas, userId: string): Promise<UserQuotas> {
  const own = await ownQuotas(tx, userId);
  const used: Partial<Record<QuotaName, number>> = {};
  for (const name of QUOTA_NAMES) if (name in COUNTED) used[name] = await count(tx, name as Counted, userId);
  return { max: { ...quotas, ...own }, own, used };
}

async function ownQuotas(tx: Tx, userId: string): Promise<OwnQuotas> {
  const row = await tx.selectFrom('users').select('quotas').where('id', '=', userId).executeTakeFirst();
  if (row === undefined) throw notFound('user');
  return parseRow(quotasColumn, row.quotas);
}
