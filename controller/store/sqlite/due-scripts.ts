import { sql } from 'kysely';
import { z } from 'zod';
import { SCRIPT_NAMES } from '../../../shared/domain/deploy-scripts.ts';
import type { AppId, TaskId } from '../../../shared/domain/ids.ts';
import type { CommandRow } from '../../domain/commands.ts';
import { scriptsAfter } from '../../domain/due-scripts.ts';
import type { Release } from '../../domain/releases.ts';
import type { ScriptStore } from '../script-port.ts';
import { commandsById } from './commands.ts';
import { insertEvent } from './events.ts';
import type { RepositoryDeps } from './repository.ts';
import { appIdColumn, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const dueScriptRow = z.strictObject({ appId: appIdColumn, version: z.number(), script: z.enum(SCRIPT_NAMES) });

const idRow = z.object({ taskId: z.string().transform((id) => id as TaskId) });

export function createDueScripts({ inTransaction, clock }: RepositoryDeps): ScriptStore {
  return {
    dueScripts: (appId) =>
      inTransaction(async (tx) => {
        const rows = tx.selectFrom('dueScripts').selectAll().where('appId', '=', appId);
        return parseRows(
          dueScriptRow,
          await rows
            .orderBy('version')
            .orderBy(sql`rowid`)
            .execute(),
        );
      }),
    endDueScript: ({ appId, version, script }, event) =>
      inTransaction(async (tx) => {
        const row = tx.deleteFrom('dueScripts').where('appId', '=', appId).where('version', '=', version);
        const { numDeletedRows } = await row.where('script', '=', script).executeTakeFirstOrThrow();
        if (event !== undefined && numDeletedRows > 0n) await insertEvent(tx, clock, event);
      }),
    failedScripts: (appId) => inTransaction((tx) => readFailed(tx, appId)),
  };
}

async function readFailed(tx: Tx, only?: AppId): Promise<readonly CommandRow[]> {
  const ofApp = only === undefined ? sql`` : sql`and releases.app_id = ${only}`;
  const rows = sql`select tasks.id as task_id from releases
    join commands on commands.app_id = releases.app_id
      and commands.process in ('release.setup.' || releases.version, 'release.postdeploy.' || releases.version)
    join tasks on tasks.id = commands.task_id
    where releases.state = 'current' ${ofApp}
      and (tasks.state = 'failed' or (tasks.state = 'cancelled' and commands.drained_node is not null))
    order by tasks.seq`;
  const ids = parseRows(idRow, (await rows.execute(tx)).rows).map(({ taskId }) => taskId);
  const commands = await commandsById(tx, ids);
  return ids.flatMap((id) => commands.get(id) ?? []);
}

/** Part of the transaction that makes the release current. */
export async function insertDueScripts(tx: Tx, release: Release, isFirst: boolean): Promise<void> {
  const { appId, version } = release;
  const rows = scriptsAfter(release, isFirst).map((script) => ({ appId, version, script }));
  if (rows.length > 0) await tx.insertInto('dueScripts').values(rows).execute();
}
