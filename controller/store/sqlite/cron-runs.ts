import { sql } from 'kysely';
import { z } from 'zod';
import type { AppId, TaskId } from '../../../shared/domain/ids.ts';
import type { CommandRow } from '../../domain/commands.ts';
import type { CronName, CronRun } from '../../domain/cron.ts';
import { commandsById } from './commands.ts';
import { appIdColumn, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const reason = z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() });
const optional = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const runRow = z.object({
  appId: appIdColumn,
  name: z.string(),
  tickMs: optional(z.number()),
  atMs: z.number(),
  taskId: optional(z.string().transform((id) => id as TaskId)),
  skipped: optional(
    z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(reason),
  ),
});
const idRow = z.object({ taskId: z.string().transform((id) => id as TaskId) });

export async function readRuns(
  tx: Tx,
  appId: AppId,
  { name, limit }: { readonly name?: string | undefined; readonly limit: number },
): Promise<readonly CronRun[]> {
  const ofEntry = name === undefined ? sql`` : sql`and name = ${name}`;
  const rows = sql`select app_id, name, tick_ms, at_ms, task_id, skipped from cron_runs where app_id = ${appId} ${ofEntry}
    order by seq desc limit ${limit}`;
  const runs = parseRows(runRow, (await rows.execute(tx)).rows);
  const commands = await commandsById(
    tx,
    runs.flatMap(({ taskId }) => taskId ?? []),
  );
  return runs.map(({ taskId, ...run }) => ({ ...run, command: taskId && commands.get(taskId) }));
}

export async function runningCommands(tx: Tx, { appId, name }: CronName): Promise<readonly CommandRow[]> {
  const ids = sql`select task_id from cron_runs join tasks on tasks.id = cron_runs.task_id
    where cron_runs.app_id = ${appId} and name = ${name} and state in ('pending', 'running') order by cron_runs.seq`;
  return await commandsOf(tx, (await ids.execute(tx)).rows);
}

/** Entries that the current release does not have any more are left out. */
export async function failedCommands(tx: Tx, only?: AppId): Promise<readonly CommandRow[]> {
  const ofApp = only === undefined ? sql`` : sql`and cron_runs.app_id = ${only}`;
  const newest = sql`select max(cron_runs.seq) from cron_runs join tasks on tasks.id = cron_runs.task_id
    join cron_entries on cron_entries.app_id = cron_runs.app_id and cron_entries.name = cron_runs.name and present = 1
    where tasks.state in ('succeeded', 'failed') ${ofApp} group by cron_runs.app_id, cron_runs.name`;
  const ids = sql`select task_id from cron_runs join tasks on tasks.id = cron_runs.task_id
    where tasks.state = 'failed' and cron_runs.seq in (${newest}) order by cron_runs.seq`;
  return await commandsOf(tx, (await ids.execute(tx)).rows);
}

async function commandsOf(tx: Tx, rows: readonly unknown[]): Promise<readonly CommandRow[]> {
  const ids = parseRows(idRow, rows).map(({ taskId }) => taskId);
  const commands = await commandsById(tx, ids);
  return ids.flatMap((id) => commands.get(id) ?? []);
}
