import { sql } from 'kysely';
import type { AppId, NodeId } from '../../../shared/domain/ids.ts';
import type { UserName } from '../../../shared/domain/names.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { nextAfterRestore } from '../../schedule/uid-ranges.ts';
import { DESTROYED_PER_NODE_MAX, type AwaitedApp } from '../../domain/destroyed-apps.ts';
import type { DestroyedStore } from '../destroyed-port.ts';
import { raiseGenerations } from './assignments.ts';
import { insertEvent } from './events.ts';
import { keepAppNames, keepDomains } from './kept-names.ts';
import { listOf } from './list-of.ts';
import type { RepositoryDeps } from './repository.ts';
import { appIdColumn, awaitedAppRow, destroyedAppRow, nodeIdColumn, parseRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

/** Tables with rows of an app, in the order in which the rows can be deleted. */
const TABLES_OF_APP = [
  ...([
    'assignments',
    'releaseImages',
    'releases',
    'cronRuns',
    'cronEntries',
    'tasks',
    'builds',
    'formations',
    'processSettings',
  ] as const),
  ...(['configVars', 'domains', 'tlsCertificates', 'buildSettings', 'healthChecks', 'egress', 'appNodes'] as const),
  ...(['maintenancePages', 'formerAppNames'] as const),
] as const;

export function createDestroyed({ inTransaction, clock }: RepositoryDeps): DestroyedStore {
  return {
    noteAppNode: (appId, nodeId) =>
      inTransaction(async (tx) => {
        const both = sql`select apps.id, nodes.id from apps, nodes where apps.id = ${appId} and nodes.id = ${nodeId}`;
        await sql`insert or ignore into app_nodes (app_id, node_id) ${both}`.execute(tx);
      }),
    destroyApp: (appId, by) => inTransaction((tx) => destroyApp({ tx, clock }, appId, by)),
    acknowledgeDestroyed: (nodeId, appIds) =>
      inTransaction(async (tx) => {
        await tx
          .deleteFrom('destroyedAppNodes')
          .where('nodeId', '=', nodeId)
          .where('appId', 'in', listOf(appIds))
          .execute();
        await freeRanges(tx, clock);
        const left = tx.selectFrom('destroyedAppNodes').where('nodeId', '=', nodeId);
        return (await left.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count;
      }),
    destroyedApps: (limit) =>
      inTransaction(async (tx) => {
        const awaited = sql`select json_group_array(node_id) from destroyed_app_nodes where app_id = destroyed_apps.app_id`;
        const rows = sql`select app_id, name, uid_base, destroyed_at_ms, free_at_ms, (${awaited}) as awaited from destroyed_apps
          order by free_at_ms is not null, destroyed_at_ms desc, app_id limit ${limit}`;
        return parseRows(destroyedAppRow, (await rows.execute(tx)).rows);
      }),
    ...createFiles({ inTransaction }),
  };
}

function createFiles({
  inTransaction,
}: Pick<RepositoryDeps, 'inTransaction'>): Pick<
  DestroyedStore,
  'destroyedWithFiles' | 'destroyedFilesGone' | 'unknownApps' | 'unknownBuilds'
> {
  return {
    destroyedWithFiles: () =>
      inTransaction(async (tx) => {
        const rows = await tx.selectFrom('destroyedApps').select('appId').where('files', '=', 1).execute();
        return rows.map((row) => parseRow(appIdColumn, row.appId));
      }),
    destroyedFilesGone: (appId) =>
      inTransaction(async (tx) => {
        await tx.updateTable('destroyedApps').set({ files: 0 }).where('appId', '=', appId).execute();
      }),
    unknownApps: (appIds) => inTransaction((tx) => unknownOf<AppId>(tx, 'apps', appIds)),
    unknownBuilds: (ids) => inTransaction((tx) => unknownOf<string>(tx, 'builds', ids)),
  };
}

async function unknownOf<Id extends string>(
  tx: Tx,
  table: 'apps' | 'builds',
  ids: readonly Id[],
): Promise<readonly Id[]> {
  const known = await tx.selectFrom(table).select('id').where('id', 'in', listOf(ids)).execute();
  const set = new Set<string>(known.map((row) => row.id));
  return ids.filter((id) => !set.has(id));
}

async function destroyApp(
  { tx, clock }: { readonly tx: Tx; readonly clock: Clock },
  appId: AppId,
  by: UserName,
): Promise<readonly NodeId[] | undefined> {
  const app = await tx
    .selectFrom('apps')
    .select(['name', 'ownerId', 'uidBase'])
    .where('id', '=', appId)
    .executeTakeFirst();
  if (app === undefined) return undefined;
  const { name, ownerId, uidBase } = app;
  await insertEvent(tx, clock, { kind: 'app.destroyed', actor: by, app: name, message: `App ${name} was destroyed.` });
  const nodes = tx
    .selectFrom('appNodes')
    .innerJoin('nodes', 'nodes.id', 'appNodes.nodeId')
    .where('nodes.state', '<>', 'removed');
  const rows = await nodes.select('appNodes.nodeId').where('appNodes.appId', '=', appId).execute();
  await keepDomains({ tx, clock }, appId);
  await keepAppNames({ tx, clock }, appId);
  for (const table of TABLES_OF_APP) await tx.deleteFrom(table).where('appId', '=', appId).execute();
  await tx.deleteFrom('apps').where('id', '=', appId).execute();
  const destroyedAtMs = clock.nowMs();
  const freeAtMs = rows.length === 0 ? destroyedAtMs : null;
  await tx
    .insertInto('destroyedApps')
    .values({ appId, name, ownerId, uidBase, destroyedAtMs, freeAtMs, files: 1 })
    .execute();
  for (const { nodeId } of rows) await tx.insertInto('destroyedAppNodes').values({ appId, nodeId }).execute();
  await raiseGenerations(tx, new Set(rows.map((row) => row.nodeId)));
  return rows.map((row) => parseRow(nodeIdColumn, row.nodeId));
}

/** Frees the ranges whose data is on no node any more. */
async function freeRanges(tx: Tx, clock: Clock): Promise<void> {
  await tx
    .updateTable('destroyedApps')
    .set({ freeAtMs: clock.nowMs() })
    .where('freeAtMs', 'is', null)
    .where('appId', 'not in', (eb) => eb.selectFrom('destroyedAppNodes').select('appId'))
    .execute();
}

/** Part of the transaction that removes a node: its answers about destroyed apps are not awaited any more. */
export async function forgetNode(tx: Tx, clock: Clock, nodeId: NodeId): Promise<void> {
  await tx.deleteFrom('appNodes').where('nodeId', '=', nodeId).execute();
  await tx.deleteFrom('destroyedAppNodes').where('nodeId', '=', nodeId).execute();
  await freeRanges(tx, clock);
}

/**
 * Part of a restore. After the backup, any node may have got instances of any app, an app may have got a free range, and apps may have
 * been created that this database does not know.
 */
export async function doubtRanges(tx: Tx): Promise<void> {
  await sql`insert or ignore into app_nodes (app_id, node_id)
    select apps.id, nodes.id from apps, nodes where nodes.state <> 'removed'`.execute(tx);
  await sql`insert or ignore into destroyed_app_nodes (app_id, node_id)
    select destroyed_apps.app_id, nodes.id from destroyed_apps, nodes where nodes.state <> 'removed'`.execute(tx);
  await sql`update destroyed_apps set free_at_ms = null where app_id in (select app_id from destroyed_app_nodes)`.execute(
    tx,
  );
  const { nextUidRange } = await tx.selectFrom('controller').select('nextUidRange').executeTakeFirstOrThrow();
  await tx
    .updateTable('controller')
    .set({ nextUidRange: nextAfterRestore(nextUidRange) })
    .execute();
}

/** Newest first. An agent that refuses to stop many instances at once must first know the apps that were destroyed last. */
export async function readAwaited(tx: Tx, nodeIds: ReturnType<typeof listOf>): Promise<readonly AwaitedApp[]> {
  const ranked = sql`select node_id, app_id, uid_base, row_number() over (partition by node_id order by destroyed_at_ms desc, app_id) as place
    from destroyed_app_nodes join destroyed_apps using (app_id) where node_id in ${nodeIds}`;
  const { rows } =
    await sql`select * from (${ranked}) where place <= ${DESTROYED_PER_NODE_MAX} order by node_id, place`.execute(tx);
  return parseRows(awaitedAppRow, rows);
}
