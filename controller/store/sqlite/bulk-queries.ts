import { sql } from 'kysely';
import type { NodeId } from '../../../shared/domain/ids.ts';
import type { DesiredRows } from '../../domain/assignments.ts';
import type { ConfigCipher } from '../../secrets/config-cipher.ts';
import type { Store } from '../port.ts';
import type { RepositoryDeps } from './repository.ts';
import { appIdColumn, appRow, assignmentRow, nodeGenerationRow, parseRow, parseRows, runningRow } from './rows.ts';
import { parseReleases } from './release-rows.ts';
import type { Tx } from './schema.ts';
import { readAwaited } from './destroyed.ts';
import { listOf } from './list-of.ts';

/** Queries about many nodes or instances at once. */
export function createBulkQueries({
  inTransaction,
  cipher,
}: RepositoryDeps): Pick<Store, 'desiredRows' | 'runningRows' | 'appsOnNodes'> {
  return {
    desiredRows: (nodeIds) => inTransaction((tx) => readDesiredRows(tx, cipher, nodeIds)),
    runningRows: (only) =>
      inTransaction(async (tx) => {
        const rows = tx
          .selectFrom('assignments')
          .select(['instanceId', 'nodeId', 'appId', 'release', 'processType', 'desired'])
          .where('desired', '=', 'run');
        return parseRows(runningRow, await (only === undefined ? rows : rows.where('appId', '=', only)).execute());
      }),
    appsOnNodes: (nodeIds) =>
      inTransaction(async (tx) => {
        const rows = await tx
          .selectFrom('assignments')
          .select('appId')
          .distinct()
          .where('nodeId', 'in', listOf(nodeIds))
          .execute();
        return rows.map((row) => parseRow(appIdColumn, row.appId));
      }),
  };
}

/** Runs a fixed number of queries, however many nodes, apps and releases there are. */
async function readDesiredRows(tx: Tx, cipher: ConfigCipher, nodeIds: readonly NodeId[]): Promise<DesiredRows> {
  const ids = listOf(nodeIds);
  const assigned = sql`assignments where node_id in ${ids}`;
  const nodes = tx.selectFrom('nodes').select(['id', 'state', 'generation']).where('id', 'in', ids);
  const apps = tx
    .selectFrom('apps')
    .selectAll()
    .where(sql<boolean>`id in (select app_id from ${assigned})`);
  const releases = tx
    .selectFrom('releases')
    .selectAll()
    .where(sql<boolean>`(app_id, version) in (select app_id, release from ${assigned})`);
  return {
    nodes: parseRows(nodeGenerationRow, await nodes.execute()),
    assignments: parseRows(
      assignmentRow,
      await tx.selectFrom('assignments').selectAll().where('nodeId', 'in', ids).execute(),
    ),
    apps: parseRows(appRow, await apps.execute()),
    releases: parseReleases(cipher, await releases.execute()),
    destroyed: await readAwaited(tx, ids),
  };
}
