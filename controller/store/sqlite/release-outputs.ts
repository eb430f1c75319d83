import { sql } from 'kysely';
import { addOutput } from '../release-output.ts';
import type { ReleaseStore } from '../release-port.ts';
import type { RepositoryDeps } from './repository.ts';

export function createReleaseOutputs({
  inTransaction,
}: RepositoryDeps): Pick<ReleaseStore, 'appendReleaseOutput' | 'releaseOutput'> {
  return {
    appendReleaseOutput: (appId, version, text) =>
      inTransaction(async (tx) => {
        const row = await tx
          .selectFrom('releaseOutputs')
          .select(sql<number>`length(cast(output as blob))`.as('bytes'))
          .where('appId', '=', appId)
          .where('version', '=', version)
          .executeTakeFirst();
        const added = addOutput(row?.bytes ?? 0, text);
        if (added === '') return;
        await tx
          .insertInto('releaseOutputs')
          .values({ appId, version, output: added })
          .onConflict((conflict) =>
            conflict.columns(['appId', 'version']).doUpdateSet({ output: sql`release_outputs.output || ${added}` }),
          )
          .execute();
      }),
    releaseOutput: (appId, version) =>
      inTransaction(async (tx) => {
        const row = tx.selectFrom('releaseOutputs').select('output').where('appId', '=', appId);
        return (await row.where('version', '=', version).executeTakeFirst())?.output;
      }),
  };
}
