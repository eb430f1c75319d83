import { sql, type RawBuilder } from 'kysely';
import type { QuotaName, Quotas } from '../../../shared/domain/quota.ts';
import type { OverQuota } from '../../domain/quotas.ts';
import { parseRow, quotasColumn } from './rows.ts';
import type { Tx } from './schema.ts';

interface Row {
  readonly userId: string;
  readonly app: string | null;
  readonly used: number;
}

/** Numbers of rows, by user, or by app of a user. */
const COUNTS: readonly (readonly [QuotaName, RawBuilder<Row>])[] = [
  ['apps', sql<Row>`select owner_id as user_id, null as app, count(*) as used from apps group by owner_id`],
  ['keys', sql<Row>`select user_id, null as app, count(*) as used from ssh_keys group by user_id`],
  ['tokens', sql<Row>`select user_id, null as app, count(*) as used from api_tokens group by user_id`],
  [
    'certificates',
    sql<Row>`select apps.owner_id as user_id, null as app, count(*) as used from tls_certificates join apps on apps.id = tls_certificates.app_id where kind = 'uploaded' group by apps.owner_id`,
  ],
  [
    'domains',
    sql<Row>`select apps.owner_id as user_id, null as app, count(*) as used from domains join apps on apps.id = domains.app_id group by apps.owner_id`,
  ],
  [
    'domainsPerApp',
    sql<Row>`select apps.owner_id as user_id, apps.name as app, count(*) as used from domains join apps on apps.id = domains.app_id group by apps.id`,
  ],
];

/** Runs one query for each quota, however many users there are. Sorted by user name. */
export async function readOverQuotas(tx: Tx, quotas: Quotas): Promise<readonly OverQuota[]> {
  const users = await tx.selectFrom('users').select(['id', 'name', 'quotas']).execute();
  const byId = new Map(
    users.map((user) => [user.id, { name: user.name, max: { ...quotas, ...parseRow(quotasColumn, user.quotas) } }]),
  );
  const over: OverQuota[] = [];
  for (const [quota, query] of COUNTS) {
    for (const { userId, app, used } of (await query.execute(tx)).rows) {
      const user = byId.get(userId);
      if (user === undefined || used <= user.max[quota]) continue;
      over.push({ user: user.name, ...(app === null ? {} : { app }), quota, used, max: user.max[quota] });
    }
  }
  return over.sort((a, b) => (a.user < b.user ? -1 : Number(a.user > b.user)));
}
