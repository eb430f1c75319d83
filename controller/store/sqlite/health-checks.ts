import { sql } from 'kysely';
import type { HealthChecks } from '../../../shared/domain/health-check.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { HealthCheckStore } from '../health-checks-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { healthChecksColumn, parseRow } from './rows.ts';
import type { Tx } from './schema.ts';

export function createHealthChecks({ inTransaction }: RepositoryDeps): HealthCheckStore {
  return {
    healthChecks: (appId) => inTransaction((tx) => readHealthChecks(tx, appId)),
    usesHealthChecks: () =>
      inTransaction(async (tx) => {
        const isChecked = sql<boolean>`(checks is not null or json_extract(slug, '$.checks') is not null)`;
        const current = tx.selectFrom('releases').select('version').where('state', '=', 'current').where(isChecked);
        return (await current.limit(1).executeTakeFirst()) !== undefined;
      }),
    changeHealthChecks: (appId, change) =>
      inTransaction(async (tx) => {
        await replaceHealthChecks(tx, appId, change(await readHealthChecks(tx, appId)));
        return await readHealthChecks(tx, appId);
      }),
  };
}

export async function replaceHealthChecks(tx: Tx, appId: AppId, wanted: HealthChecks): Promise<void> {
  await tx.deleteFrom('healthChecks').where('appId', '=', appId).execute();
  for (const [processType, checks] of Object.entries(wanted))
    await tx
      .insertInto('healthChecks')
      .values({ appId, processType, checks: JSON.stringify(checks) })
      .execute();
}

/** The settings of an app, by process type. */
export async function readHealthChecks(tx: Tx, appId: AppId): Promise<HealthChecks> {
  const rows = tx.selectFrom('healthChecks').selectAll().where('appId', '=', appId).orderBy('processType');
  return Object.fromEntries(
    (await rows.execute()).map(({ processType, checks }) => [processType, parseRow(healthChecksColumn, checks)]),
  );
}
