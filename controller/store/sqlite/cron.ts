import { sql } from 'kysely';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { CRON_RUNS_KEPT, type CronName, type NewCronRun } from '../../domain/cron.ts';
import type { CronStore } from '../cron-port.ts';
import { insertCommand } from './commands.ts';
import { failedCommands, readRuns, runningCommands } from './cron-runs.ts';
import { readJobs, rememberEntries } from './cron-entries.ts';
import { insertEvent } from './events.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import type { Tx } from './schema.ts';

export function createCron({ inTransaction, clock }: RepositoryDeps): CronStore {
  return {
    readCronJobs: () =>
      inTransaction(async (tx) => {
        await rememberEntries(tx, clock.nowMs());
        return await readJobs(tx);
      }),
    cronJobsOfApp: (appId) =>
      inTransaction(async (tx) => {
        await rememberEntries(tx, clock.nowMs());
        return await readJobs(tx, appId);
      }),
    setCronSuspended: ({ appId, name }, suspended, event) =>
      inTransaction(async (tx) => {
        const row = tx.updateTable('cronEntries').where('appId', '=', appId).where('name', '=', name);
        const decided = suspended ? {} : { decidedMs: clock.nowMs() };
        await row.set({ suspended: suspended ? 1 : 0, ...decided }).execute();
        await insertEvent(tx, clock, event);
      }),
    setCronDecided: (entries) =>
      inTransaction(async (tx) => {
        for (const { decidedMs, ...entry } of entries) await decide(tx, entry, decidedMs);
      }),
    createCronRun: (run, command) =>
      inTransaction(async (tx) => {
        const row = await insertCommand(tx, { ...command, label: run.name }, clock.nowMs());
        await insertRun({ tx, clock }, run, { taskId: row.id, skipped: null });
        return row;
      }),
    skipCronTick: (run, why) => inTransaction((tx) => skip({ tx, clock }, run, why)),
    runningCron: (entry) => inTransaction((tx) => runningCommands(tx, entry)),
    cronRuns: (appId, query) => inTransaction((tx) => readRuns(tx, appId, query)),
    failedCron: (appId) => inTransaction((tx) => failedCommands(tx, appId)),
  };
}

interface Writing {
  readonly tx: Tx;
  readonly clock: Clock;
}

async function skip(writing: Writing, run: NewCronRun & { readonly tickMs: number }, why: Reason): Promise<void> {
  const { tx } = writing;
  const { appId, name, tickMs } = run;
  const same = tx.selectFrom('cronRuns').select('seq').where('appId', '=', appId).where('name', '=', name);
  if ((await same.where('tickMs', '=', tickMs).executeTakeFirst()) !== undefined) {
    await decide(tx, run, tickMs);
    return;
  }
  const [last] = await readRuns(tx, appId, { name, limit: 1 });
  const events = last?.skipped?.code === why.code ? [] : run.events; // a stopped app has one event, not one each minute
  await insertRun(writing, { ...run, events }, { taskId: null, skipped: JSON.stringify(why) });
}

async function insertRun(
  { tx, clock }: Writing,
  { appId, name, tickMs, events }: NewCronRun,
  outcome: { readonly taskId: string | null; readonly skipped: string | null },
): Promise<void> {
  const row = { appId, name, tickMs: tickMs ?? null, atMs: clock.nowMs(), ...outcome };
  await unlessTaken(tx.insertInto('cronRuns').values(row).execute(), () => tickTaken(name));
  if (tickMs !== undefined) await decide(tx, { appId, name }, tickMs);
  await removeOld(tx, { appId, name });
  for (const event of events) await insertEvent(tx, clock, event);
}

async function decide(tx: Tx, { appId, name }: CronName, decidedMs: number): Promise<void> {
  await tx.updateTable('cronEntries').set({ decidedMs }).where('appId', '=', appId).where('name', '=', name).execute();
}

/** Removes old runs with their commands. A command that runs is kept. */
async function removeOld(tx: Tx, { appId, name }: CronName): Promise<void> {
  const old = sql`select seq from cron_runs where app_id = ${appId} and name = ${name} order by seq desc limit -1 offset ${CRON_RUNS_KEPT}`;
  await sql`delete from tasks where state not in ('pending', 'running')
    and id in (select task_id from cron_runs where seq in (${old}))`.execute(tx);
  await sql`delete from cron_runs where task_id is null and seq in (${old})`.execute(tx);
}

function tickTaken(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CRON_TICK',
    kind: 'conflict',
    message: `${name} ran at this time already.`,
    hint: 'Nothing is to do: a tick runs once.',
  });
}
