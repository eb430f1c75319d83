import { DEFAULT_CEILINGS, type Ceilings } from '../../../shared/domain/ceilings.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { Store } from '../port.ts';
import { doubtRanges } from './destroyed.ts';
import { insertEvent } from './events.ts';
import type { RepositoryDeps } from './repository.ts';
import type { Tx } from './schema.ts';
import { ceilingsColumn, labelsColumn } from './rows.ts';

type ControllerRow = Pick<
  Store,
  | 'newEpoch'
  | 'declareRestored'
  | 'rebalanceBy'
  | 'setRebalanceBy'
  | 'builderLabels'
  | 'setBuilderLabels'
  | 'limitCeilings'
  | 'setLimitCeilings'
>;

export function createController({ inTransaction, clock }: RepositoryDeps): ControllerRow {
  return {
    newEpoch: (id) =>
      inTransaction(async (tx) => {
        const { epochCounter } = await tx.selectFrom('controller').select('epochCounter').executeTakeFirstOrThrow();
        const counter = epochCounter + 1;
        await tx.updateTable('controller').set({ epochCounter: counter, epochId: id }).execute();
        const message = `The controller started with epoch ${String(counter)}.`;
        await insertEvent(tx, clock, {
          kind: 'controller.started',
          actor: 'controller',
          message,
          details: { epoch: counter },
        });
        return { counter, id };
      }),
    declareRestored: () => inTransaction((tx) => declareRestored(tx, clock)),
    rebalanceBy: () =>
      inTransaction(async (tx) => {
        const { rebalanceBy } = await tx.selectFrom('controller').select('rebalanceBy').executeTakeFirstOrThrow();
        return rebalanceBy ?? undefined;
      }),
    setRebalanceBy: (by) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('controller')
          .set({ rebalanceBy: by ?? null })
          .execute();
      }),
    builderLabels: () =>
      inTransaction(async (tx) => {
        const { builderLabels } = await tx.selectFrom('controller').select('builderLabels').executeTakeFirstOrThrow();
        return labelsColumn.parse(builderLabels);
      }),
    setBuilderLabels: (labels) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('controller')
          .set({ builderLabels: JSON.stringify(labels) })
          .execute();
      }),
    limitCeilings: () => inTransaction(async (tx) => ({ ...DEFAULT_CEILINGS, ...(await chosenCeilings(tx)) })),
    setLimitCeilings: (changes) =>
      inTransaction(async (tx) => {
        const all = Object.entries({ ...(await chosenCeilings(tx)), ...changes });
        const chosen = Object.fromEntries(all.filter(([, value]) => value !== null && value !== undefined));
        await tx
          .updateTable('controller')
          .set({ limitCeilings: JSON.stringify(chosen) })
          .execute();
        return { ...DEFAULT_CEILINGS, ...chosen };
      }),
  };
}

async function declareRestored(tx: Tx, clock: Clock): Promise<void> {
  // No counter grows by more than one in a millisecond, so this is higher than every number that was used after the backup.
  const nowMs = clock.nowMs();
  const { epochCounter } = await tx.selectFrom('controller').select('epochCounter').executeTakeFirstOrThrow();
  await tx
    .updateTable('controller')
    .set({ epochCounter: Math.max(epochCounter + 1, nowMs) })
    .execute();
  for (const { id, generation } of await tx.selectFrom('nodes').select(['id', 'generation']).execute()) {
    await tx
      .updateTable('nodes')
      .set({ generation: Math.max(generation + 1, nowMs) })
      .where('id', '=', id)
      .execute();
  }
  await doubtRanges(tx);
  const message =
    'The operator declared that this database was restored from a backup. Every node accepts its desired states again.';
  await insertEvent(tx, clock, { kind: 'controller.restored', actor: 'controller', message });
}

async function chosenCeilings(tx: Tx): Promise<Partial<Ceilings>> {
  const { limitCeilings } = await tx.selectFrom('controller').select('limitCeilings').executeTakeFirstOrThrow();
  return ceilingsColumn.parse(limitCeilings);
}
