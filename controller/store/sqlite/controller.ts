import type { Store } from '../port.ts';
import type { RepositoryDeps } from './repository.ts';

export function createController({ inTransaction }: RepositoryDeps): Pick<Store, 'newEpoch'> {
  return {
    newEpoch: (id) =>
      inTransaction(async (tx) => {
        const { epochCounter } = await tx.selectFrom('controller').select('epochCounter').executeTakeFirstOrThrow();
        const counter = epochCounter + 1;
        await tx.updateTable('controller').set({ epochCounter: counter, epochId: id }).execute();
        return { counter, id };
      }),
  };
}
