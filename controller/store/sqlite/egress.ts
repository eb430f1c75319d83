import { EGRESS_LIST_MAX, EGRESS_TOTAL_MAX } from '../../../shared/domain/egress.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { EgressStore } from '../egress-port.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import { egressRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

export function createEgress({ inTransaction }: RepositoryDeps): EgressStore {
  return {
    egress: () =>
      inTransaction(async (tx) => {
        const query = tx
          .selectFrom('egress')
          .leftJoin('apps', 'apps.id', 'egress.appId')
          .select(['apps.name as app', 'apps.uidBase', 'cidr']);
        const byApp = Map.groupBy(
          parseRows(egressRow, await query.orderBy('apps.name').orderBy('cidr').execute()),
          (row) => row.app,
        );
        const cidrsOf = (rows: readonly { readonly cidr: string }[] = []): readonly string[] =>
          rows.map((row) => row.cidr);
        const apps = [...byApp].flatMap(([app, rows]) => {
          const uidBase = rows[0]?.uidBase;
          return app === undefined || uidBase === undefined ? [] : [{ app, uidBase, cidrs: cidrsOf(rows) }];
        });
        return { fleet: cidrsOf(byApp.get(undefined)), apps };
      }),
    addEgress: (appId, cidr) =>
      inTransaction(async (tx) => {
        if ((await count(tx)) >= EGRESS_TOTAL_MAX) throw tooMany('All lists together', EGRESS_TOTAL_MAX);
        const insert = tx
          .insertInto('egress')
          .values({ appId: appId ?? null, cidr })
          .execute();
        await unlessTaken(insert, () => alreadyOpen(cidr));
        if ((await count(tx, { appId })) > EGRESS_LIST_MAX) throw tooMany('The list', EGRESS_LIST_MAX);
      }),
    removeEgress: (appId, cidr) =>
      inTransaction(async (tx) => {
        const rows = tx.deleteFrom('egress').where('cidr', '=', cidr);
        const mine = appId === undefined ? rows.where('appId', 'is', null) : rows.where('appId', '=', appId);
        return (await mine.executeTakeFirst()).numDeletedRows > 0n;
      }),
  };
}

/** Number of networks in one list, or in all lists. */
async function count(tx: Tx, only?: { readonly appId: AppId | undefined }): Promise<number> {
  const all = tx.selectFrom('egress').select((eb) => eb.fn.countAll<number>().as('count'));
  const query =
    only === undefined ? all : all.where('appId', only.appId === undefined ? 'is' : '=', only.appId ?? null);
  return (await query.executeTakeFirstOrThrow()).count;
}

function alreadyOpen(cidr: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_EXISTS',
    kind: 'conflict',
    message: `${cidr} is already in this list.`,
    hint: 'See it with: slipway egress',
  });
}

function tooMany(what: string, max: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_LIMIT',
    httpStatus: 422,
    message: `${what} can have ${String(max)} networks at most.`,
    hint: 'Open one larger network instead of several small ones, or remove one with: slipway egress:remove CIDR',
  });
}
