import { sql } from 'kysely';
import { z } from 'zod';
import { cronEntries, type CronEntry } from '../../../shared/domain/cron.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import { ownProperty } from '../../../shared/kit/own-property.ts';
import type { CronJob } from '../../domain/cron.ts';
import { listOf } from './list-of.ts';
import { appIdColumn, appRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

/** Entries of an app that its current release does not have, and whose state is kept for a rollback. */
const ABSENT_KEPT = 40;

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(schema);

const releaseRow = z.object({
  appId: appIdColumn,
  cron: json(cronEntries),
  processTypes: json(z.record(z.string(), z.string())),
});
const stateRow = z.object({
  appId: appIdColumn,
  name: z.string(),
  schedule: z.string(),
  decidedMs: z.number(),
  suspended: z.union([z.null().transform(() => undefined), z.number().transform((value) => value === 1)]),
  present: z.number().transform((value) => value === 1),
});
type StateRow = z.output<typeof stateRow>;

interface Release {
  readonly appId: AppId;
  readonly cron: readonly CronEntry[];
  readonly processTypes: Readonly<Record<string, string>>;
}

/** Writes the entries of the current releases down, and marks the others as absent. Writes nothing when nothing changed. */
export async function rememberEntries(tx: Tx, nowMs: number): Promise<void> {
  const states = await readStates(tx);
  const wanted = (await readReleases(tx)).flatMap(({ appId, cron }) => cron.map((entry) => ({ appId, entry })));
  const present = new Set<string>();
  for (const { appId, entry } of wanted) {
    present.add(keyOf(appId, entry.name));
    const schedule = scheduleOf(entry);
    const state = states.get(keyOf(appId, entry.name));
    if (state?.present === true && state.schedule === schedule) continue;
    const change = { schedule, decidedMs: nowMs, present: 1 };
    await tx
      .insertInto('cronEntries')
      .values({ appId, name: entry.name, suspended: null, ...change })
      .onConflict((taken) => taken.columns(['appId', 'name']).doUpdateSet(change))
      .execute();
  }
  const gone = [...states.values()].filter((state) => state.present && !present.has(keyOf(state.appId, state.name)));
  for (const { appId, name } of gone) await markAbsent(tx, appId, name);
  for (const appId of new Set(gone.map((state) => state.appId))) await forgetAbsent(tx, appId);
}

export async function readJobs(tx: Tx, only?: AppId): Promise<readonly CronJob[]> {
  const releases = await readReleases(tx, only);
  if (releases.length === 0) return [];
  const ids = listOf(releases.map(({ appId }) => appId));
  const apps = parseRows(appRow, await tx.selectFrom('apps').selectAll().where('id', 'in', ids).execute());
  const byId = new Map(apps.map((app) => [app.id, app]));
  const states = await readStates(tx, only);
  return releases.flatMap(({ appId, cron, processTypes }) =>
    cron.flatMap((entry): readonly CronJob[] => {
      const [app, state] = [byId.get(appId), states.get(keyOf(appId, entry.name))];
      const command = entry.command ?? ownProperty(processTypes, entry.processType ?? '');
      if (app === undefined || state === undefined || command === undefined) return [];
      const { decidedMs, suspended } = state;
      return [{ app, entry, command, decidedMs, suspended }];
    }),
  );
}

async function readReleases(tx: Tx, only?: AppId): Promise<readonly Release[]> {
  const ofApp = only === undefined ? sql`` : sql`and app_id = ${only}`;
  const rows = sql`select app_id, json_extract(slug, '$.cron') as cron, json_extract(slug, '$.processTypes') as process_types
    from releases where state = 'current' and json_extract(slug, '$.cron') is not null ${ofApp} order by app_id`;
  return parseRows(releaseRow, (await rows.execute(tx)).rows);
}

async function readStates(tx: Tx, only?: AppId): Promise<ReadonlyMap<string, StateRow>> {
  let rows = tx.selectFrom('cronEntries').selectAll();
  if (only !== undefined) rows = rows.where('appId', '=', only);
  return new Map(parseRows(stateRow, await rows.execute()).map((row) => [keyOf(row.appId, row.name), row]));
}

async function markAbsent(tx: Tx, appId: AppId, name: string): Promise<void> {
  await tx.updateTable('cronEntries').set({ present: 0 }).where('appId', '=', appId).where('name', '=', name).execute();
}

async function forgetAbsent(tx: Tx, appId: AppId): Promise<void> {
  const old = sql`select name from cron_entries where app_id = ${appId} and present = 0 order by decided_ms desc limit -1 offset ${ABSENT_KEPT}`;
  const names = sql`app_id = ${appId} and name in (${old})`;
  await sql`delete from tasks where state not in ('pending', 'running') and id in (select task_id from cron_runs where ${names})`.execute(
    tx,
  );
  await sql`delete from cron_runs where task_id is null and ${names}`.execute(tx);
  await sql`delete from cron_entries where ${names}`.execute(tx);
}

function keyOf(appId: AppId, name: string): string {
  return `${appId}/${name}`;
}

function scheduleOf({ schedule, timeZone }: CronEntry): string {
  return `${schedule} ${timeZone}`;
}
