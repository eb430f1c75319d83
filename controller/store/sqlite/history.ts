import { sql } from 'kysely';
import { z } from 'zod';
import { BUILDS_KEPT, PINS_MAX, RELEASES_KEPT } from '../../../shared/domain/history.ts';
import type { AppId, BuildId } from '../../../shared/domain/ids.ts';
import type { HistoryStore } from '../history-port.ts';
import { planBuildTrim, planReleaseTrim, TRIM_ROWS, type OldBuild } from '../trim-plan.ts';
import { listOf } from './list-of.ts';
import type { RepositoryDeps } from './repository.ts';
import { buildRow, parseRows, releaseRow } from './rows.ts';
import type { Tx } from './schema.ts';

const versionRow = releaseRow.pick({ version: true, state: true, pinned: true });
const oldBuildRow = buildRow.in
  .pick({ id: true, state: true })
  .extend({ released: z.number().transform((value) => value === 1) });

export function createHistory({ inTransaction }: RepositoryDeps): HistoryStore {
  return {
    trimReleases: (appId) =>
      inTransaction(async (tx) => {
        const versions = await releasesToTrim(tx, appId);
        for (const table of ['releaseImages', 'releases'] as const)
          await tx.deleteFrom(table).where('appId', '=', appId).where('version', 'in', versions).execute();
        return versions.length;
      }),
    buildsToTrim: (appId) => inTransaction(async (tx) => planBuildTrim(await oldBuilds(tx, appId))),
    removeBuilds: (ids) =>
      inTransaction(async (tx) => {
        const rows =
          await sql`select id, state, ${RELEASED} as released from builds where id in ${listOf(ids)}`.execute(tx);
        const removed = planBuildTrim(parseRows(oldBuildRow, rows.rows));
        await tx.deleteFrom('builds').where('id', 'in', removed).execute();
      }),
  };
}

/** Reads a limited number of the oldest rows, and plans which of them to remove. */
async function releasesToTrim(tx: Tx, appId: AppId): Promise<readonly number[]> {
  const newest = await tx
    .selectFrom('releases')
    .select((eb) => eb.fn.max<number | null>('version').as('version'))
    .where('appId', '=', appId)
    .executeTakeFirstOrThrow();
  if (newest.version === null || newest.version <= RELEASES_KEPT) return [];
  const instances = await tx
    .selectFrom('assignments')
    .select('release')
    .distinct()
    .where('appId', '=', appId)
    .execute();
  const placed = new Set(instances.map((row) => row.release));
  const ofApp = tx.selectFrom('releases').select('version').where('appId', '=', appId);
  const superseded = await ofApp
    .where('state', '=', 'superseded')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const rows = tx
    .selectFrom('releases')
    .select(['version', 'state', 'pinned'])
    .where('appId', '=', appId)
    .orderBy('version');
  const oldest = parseRows(versionRow, await rows.limit(TRIM_ROWS + placed.size + UNPLACED).execute());
  return planReleaseTrim({ newest: newest.version, oldest, placed, servedLast: superseded?.version });
}

/** Old releases that stay without an instance: pinned ones, the current one, the one before it, and those that wait for a rollout. */
const UNPLACED = 30 + PINS_MAX;

/** One look-up in an index for each build. */
const RELEASED = sql`exists (select 1 from releases where releases.build_id = builds.id)`;

/** Oldest first: as many as one step removes, and all that releases keep. */
async function oldBuilds(tx: Tx, appId: AppId): Promise<readonly OldBuild[]> {
  const newer = tx.selectFrom('builds').select('seq').where('appId', '=', appId).orderBy('seq', 'desc');
  const last = await newer.offset(BUILDS_KEPT).limit(1).executeTakeFirst();
  if (last === undefined) return [];
  const most = TRIM_ROWS + 2 * RELEASES_KEPT;
  const old = sql<{ id: BuildId }>`select id, state, ${RELEASED} as released from builds
    where app_id = ${appId} and seq <= ${last.seq} order by seq limit ${most}`;
  return parseRows(oldBuildRow, (await old.execute(tx)).rows);
}
