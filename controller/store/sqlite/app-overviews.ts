import { sql, type RawBuilder } from 'kysely';
import type { AppOverview } from '../../domain/app-overview.ts';
import type { AppPage, App } from '../../domain/apps.ts';
import type { OverviewStore } from '../overview-port.ts';
import { formationsOf, settingsOf } from './process-settings.ts';
import type { RepositoryDeps } from './repository.ts';
import { appRow, assignmentRow, buildRow, currentLineRow, parseRows, releaseLineRow, userRow } from './rows.ts';
import { listOf } from './list-of.ts';
import type { Tx } from './schema.ts';

/** The columns of {@link releaseLineRow}. */
const LINE = sql`app_id, version, state, created_at_ms, failure, description, user_id, cause, source_version, pinned, json_extract(slug, '$.commit') as "commit"`;

export function createAppOverviews({ inTransaction }: RepositoryDeps): OverviewStore {
  return {
    userNames: (ids) =>
      inTransaction(async (tx) => {
        const rows = parseRows(
          userRow,
          await tx.selectFrom('users').selectAll().where('id', 'in', listOf(ids)).execute(),
        );
        return new Map(rows.map(({ id, name }) => [id, name]));
      }),
    copyNodes: (ids) =>
      inTransaction(async (tx) => {
        const copies = await tx.selectFrom('assignments').selectAll().where('replaces', 'in', listOf(ids)).execute();
        return new Map(
          parseRows(assignmentRow, copies).flatMap((copy) =>
            copy.replaces === undefined ? [] : [[copy.replaces, copy.nodeId]],
          ),
        );
      }),
    appPage: (page) => inTransaction((tx) => readPage(tx, page)),
    countApps: (ownerId) =>
      inTransaction(async (tx) => {
        const rows = tx.selectFrom('apps').select((eb) => eb.fn.countAll<number>().as('count'));
        return (await (ownerId === undefined ? rows : rows.where('ownerId', '=', ownerId)).executeTakeFirstOrThrow())
          .count;
      }),
    appOverviews: (page) => inTransaction(async (tx) => readOverviews(tx, await readPage(tx, page))),
    deployedApps: () =>
      inTransaction(async (tx) => {
        const deployed = sql<boolean>`id in (select app_id from releases union select app_id from assignments)`;
        return parseRows(appRow, await tx.selectFrom('apps').selectAll().where(deployed).orderBy('name').execute());
      }),
    releaseLines: (appId, { before, limit }) =>
      inTransaction(async (tx) => {
        const older = before === undefined ? sql`` : sql`and version < ${before}`;
        const lines = sql`select ${LINE} from releases where app_id = ${appId} ${older} order by version desc limit ${limit}`;
        return parseRows(releaseLineRow, (await lines.execute(tx)).rows);
      }),
  };
}

async function readPage(tx: Tx, { ownerId, after, limit }: AppPage): Promise<readonly App[]> {
  let apps = tx.selectFrom('apps').selectAll().orderBy('name').limit(limit);
  if (ownerId !== undefined) apps = apps.where('ownerId', '=', ownerId);
  if (after !== undefined) apps = apps.where('name', '>', after);
  return parseRows(appRow, await apps.execute());
}

/** Runs a fixed number of queries, however many apps there are. */
async function readOverviews(tx: Tx, apps: readonly App[]): Promise<readonly AppOverview[]> {
  const ids = listOf(apps.map((app) => app.id));
  const read = async (query: RawBuilder<unknown>): Promise<readonly unknown[]> => (await query.execute(tx)).rows;
  const current = sql`select ${LINE}, json_extract(slug, '$.processTypes') as process_types from releases where app_id in ${ids} and state = 'current'`;
  const newest = sql`select app_id, max(version) from releases where app_id in ${ids} group by app_id`;
  const latest = sql`select ${LINE} from releases where (app_id, version) in (${newest})`;
  const builds = sql`select * from builds where seq in (select max(seq) from builds where app_id in ${ids} group by app_id)`;
  const rows = sql`select * from assignments where app_id in ${ids} order by process_type, ordinal, instance_id`;
  const [currents, latests, lastBuilds] = [
    byApp(parseRows(currentLineRow, await read(current))),
    byApp(parseRows(releaseLineRow, await read(latest))),
    byApp(parseRows(buildRow, await read(builds))),
  ];
  const instances = Map.groupBy(parseRows(assignmentRow, await read(rows)), (row) => row.appId);
  const [formations, settings] = [await formationsOf(tx, ids), await settingsOf(tx, ids)];
  return apps.map((app) => ({
    app,
    current: currents.get(app.id),
    latest: latests.get(app.id),
    latestBuild: lastBuilds.get(app.id),
    formation: formations.get(app.id) ?? {},
    settings: settings.get(app.id) ?? {},
    rows: instances.get(app.id) ?? [],
  }));
}

function byApp<T extends { readonly appId: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.appId, row]));
}
