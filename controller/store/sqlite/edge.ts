import { z } from 'zod';
import { FRONTS_MAX } from '../../../shared/domain/front-proxies.ts';
import type { FrontProxies } from '../../../shared/domain/fleet-routes.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { EdgeStore } from '../edge-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { labelsColumn, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const frontRow = z.strictObject({ entry: z.string(), proxyProtocol: z.number() });

export function createEdge({ inTransaction }: RepositoryDeps): EdgeStore {
  return {
    frontProxies: () => inTransaction(readFronts),
    setFrontProxies: ({ trusted, proxyProtocol }) =>
      inTransaction(async (tx) => {
        if (trusted !== undefined) await replaceFronts(tx, trusted, 0);
        if (proxyProtocol !== undefined) await replaceFronts(tx, proxyProtocol, 1);
        return await readFronts(tx);
      }),
    edgeLabels: () =>
      inTransaction(async (tx) => {
        const { edgeLabels } = await tx.selectFrom('controller').select('edgeLabels').executeTakeFirstOrThrow();
        return labelsColumn.parse(edgeLabels);
      }),
    setEdgeLabels: (labels) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('controller')
          .set({ edgeLabels: JSON.stringify(labels) })
          .execute();
      }),
  };
}

async function readFronts(tx: Tx): Promise<FrontProxies> {
  const rows = parseRows(frontRow, await tx.selectFrom('frontProxies').selectAll().orderBy('entry').execute());
  const entriesOf = (kind: number): readonly string[] =>
    rows.filter((row) => row.proxyProtocol === kind).map(({ entry }) => entry);
  return { trusted: entriesOf(0), proxyProtocol: entriesOf(1) };
}

async function replaceFronts(tx: Tx, entries: readonly string[], proxyProtocol: 0 | 1): Promise<void> {
  const unique = [...new Set(entries)];
  if (unique.length > FRONTS_MAX) throw tooMany();
  await tx.deleteFrom('frontProxies').where('proxyProtocol', '=', proxyProtocol).execute();
  for (const entry of unique) {
    await tx
      .insertInto('frontProxies')
      .values({ entry, proxyProtocol })
      .onConflict((taken) => taken.column('entry').doUpdateSet({ proxyProtocol }))
      .execute();
  }
}

function tooMany(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TRUST_LIMIT',
    httpStatus: 422,
    message: `A list of front proxies has ${String(FRONTS_MAX)} entries at most.`,
    hint: 'Name one larger network instead of many addresses: slipway proxy:trust 10.0.5.0/24',
  });
}
