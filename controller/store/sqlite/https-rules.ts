import { z } from 'zod';
import type { HttpsRuleStore } from '../https-rules-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { hstsRow } from './routed-app-row.ts';
import { parseRowIfAny } from './rows.ts';

const canonicalRow = z.object({ hostname: z.string() });

export function createHttpsRules({ inTransaction }: RepositoryDeps): HttpsRuleStore {
  return {
    canonicalName: (appId) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('canonicalNames').select('hostname').where('appId', '=', appId);
        return parseRowIfAny(canonicalRow, await query.executeTakeFirst())?.hostname;
      }),
    setCanonicalName: (appId, hostname) =>
      inTransaction(async (tx) => {
        if (hostname === undefined) {
          await tx.deleteFrom('canonicalNames').where('appId', '=', appId).execute();
          return true;
        }
        const domain = tx.selectFrom('domains').select('appId').where('hostname', '=', hostname);
        if ((await domain.executeTakeFirst())?.appId !== appId) return false;
        await tx
          .insertInto('canonicalNames')
          .values({ appId, hostname })
          .onConflict((taken) => taken.column('appId').doUpdateSet({ hostname }))
          .execute();
        return true;
      }),
    ...hstsMethods({ inTransaction }),
  };
}

function hstsMethods({
  inTransaction,
}: Pick<RepositoryDeps, 'inTransaction'>): Pick<HttpsRuleStore, 'hsts' | 'setHsts'> {
  return {
    hsts: (appId) =>
      inTransaction(async (tx) => {
        const columns = ['maxAgeS', 'includeSubdomains', 'preload'] as const;
        const query = tx.selectFrom('hstsPolicies').select(columns).where('appId', '=', appId);
        return parseRowIfAny(hstsRow, await query.executeTakeFirst());
      }),
    setHsts: (appId, hsts) =>
      inTransaction(async (tx) => {
        if (hsts === undefined) {
          await tx.deleteFrom('hstsPolicies').where('appId', '=', appId).execute();
          return;
        }
        const row = {
          maxAgeS: hsts.maxAgeS,
          includeSubdomains: hsts.includeSubdomains ? 1 : 0,
          preload: hsts.preload ? 1 : 0,
        };
        await tx
          .insertInto('hstsPolicies')
          .values({ appId, ...row })
          .onConflict((taken) => taken.column('appId').doUpdateSet(row))
          .execute();
      }),
  };
}
