import { sql } from 'kysely';
import { z } from 'zod';
import { SCRIPT_NAMES } from '../../../shared/domain/deploy-scripts.ts';
import { scriptsAfter } from '../../domain/due-scripts.ts';
import type { Release } from '../../domain/releases.ts';
import type { ScriptStore } from '../script-port.ts';
import { insertEvent } from './events.ts';
import type { RepositoryDeps } from './repository.ts';
import { appIdColumn, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const dueScriptRow = z.strictObject({ appId: appIdColumn, version: z.number(), script: z.enum(SCRIPT_NAMES) });

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
  };
}

/** Part of the transaction that makes the release current. */
export async function insertDueScripts(tx: Tx, release: Release, isFirst: boolean): Promise<void> {
  const { appId, version } = release;
  const rows = scriptsAfter(release, isFirst).map((script) => ({ appId, version, script }));
  if (rows.length > 0) await tx.insertInto('dueScripts').values(rows).execute();
}
