import { sql, type RawBuilder } from 'kysely';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { Count, Formation, ProcessSettings } from '../../../shared/domain/placement.ts';
import type { ProcessSettingsChange } from '../../domain/apps.ts';
import type { Store } from '../port.ts';
import type { RepositoryDeps } from './repository.ts';
import { appRow, parseRow, parseRows, processSettingsRow } from './rows.ts';
import type { Tx } from './schema.ts';

type Repository = Pick<
  Store,
  'formation' | 'setFormation' | 'processSettings' | 'setProcessSettings' | 'appsOnEveryNode'
>;

export function createProcessSettings({ inTransaction }: RepositoryDeps): Repository {
  return {
    formation: (appId) => inTransaction((tx) => readFormation(tx, appId)),
    setFormation: (appId, changes) =>
      inTransaction(async (tx) => {
        for (const [processType, count] of Object.entries(changes)) await setCount(tx, { appId, processType, count });
        return await readFormation(tx, appId);
      }),
    processSettings: (appId) => inTransaction(async (tx) => (await settingsOf(tx, sql`(${appId})`)).get(appId) ?? {}),
    setProcessSettings: (appId, processType, change) =>
      inTransaction((tx) => changeSettings(tx, { appId, processType, change })),
    appsOnEveryNode: () =>
      inTransaction(async (tx) => {
        const onEvery = tx.selectFrom('formations').select('appId').where('everyNode', '=', 1);
        return parseRows(
          appRow,
          await tx.selectFrom('apps').selectAll().where('id', 'in', onEvery).orderBy('id').execute(),
        );
      }),
  };
}

async function setCount(
  tx: Tx,
  { appId, processType, count }: { appId: AppId; processType: string; count: Count },
): Promise<void> {
  const row = count === 'all' ? { quantity: 0, everyNode: 1 } : { quantity: count, everyNode: 0 };
  await tx
    .insertInto('formations')
    .values({ appId, processType, ...row })
    .onConflict((conflict) => conflict.columns(['appId', 'processType']).doUpdateSet(row))
    .execute();
}

async function readFormation(tx: Tx, appId: AppId): Promise<Formation> {
  return (await formationsOf(tx, sql`(${appId})`)).get(appId) ?? {};
}

/** @param ids a list or a query of app ids */
export async function formationsOf(tx: Tx, ids: RawBuilder<unknown>): Promise<ReadonlyMap<string, Formation>> {
  const rows = await tx
    .selectFrom('formations')
    .selectAll()
    .where(sql<boolean>`app_id in ${ids}`)
    .orderBy('processType')
    .execute();
  const byApp = Map.groupBy(rows, (row) => row.appId);
  const counts = (rowsOfApp: typeof rows): Formation =>
    Object.fromEntries(
      rowsOfApp.map((row) => [row.processType, row.everyNode === 1 ? ('all' as const) : row.quantity]),
    );
  return new Map([...byApp].map(([appId, rowsOfApp]) => [appId, counts(rowsOfApp)]));
}

/** @param ids a list or a query of app ids */
export async function settingsOf(
  tx: Tx,
  ids: RawBuilder<unknown>,
): Promise<ReadonlyMap<string, Readonly<Record<string, ProcessSettings>>>> {
  const rows = await tx
    .selectFrom('processSettings')
    .selectAll()
    .where(sql<boolean>`app_id in ${ids}`)
    .orderBy('processType')
    .execute();
  const byApp = Map.groupBy(rows, (row) => row.appId);
  const settings = (rowsOfApp: typeof rows): Readonly<Record<string, ProcessSettings>> =>
    Object.fromEntries(
      parseRows(processSettingsRow, rowsOfApp).map(({ processType, settings: own }) => [processType, own]),
    );
  return new Map([...byApp].map(([appId, rowsOfApp]) => [appId, settings(rowsOfApp)]));
}

async function changeSettings(
  tx: Tx,
  { appId, processType, change }: { appId: AppId; processType: string; change: ProcessSettingsChange },
): Promise<ProcessSettings> {
  const columns = {
    ...(change.placement === undefined
      ? {}
      : { placement: change.placement === null ? null : JSON.stringify(change.placement) }),
    ...(change.limits === undefined ? {} : { limits: change.limits === null ? null : JSON.stringify(change.limits) }),
  };
  await tx
    .insertInto('processSettings')
    .values({ appId, processType, placement: null, limits: null, ...columns })
    .onConflict((conflict) => conflict.columns(['appId', 'processType']).doUpdateSet({ appId, ...columns }))
    .execute();
  const row = await tx
    .selectFrom('processSettings')
    .selectAll()
    .where('appId', '=', appId)
    .where('processType', '=', processType)
    .executeTakeFirstOrThrow();
  return parseRow(processSettingsRow, row).settings;
}
