import { NODE_STATES, transition } from '../../../shared/domain/states.ts';
import type { NodeChange } from '../../domain/nodes.ts';
import type { Store } from '../port.ts';
import { forgetNode } from './destroyed.ts';
import { exposeHeldKeys } from './held-keys.ts';
import { mustFindNode } from './nodes.ts';
import type { RepositoryDeps } from './repository.ts';

/** Changes of a node by an operator, or after it was silent for too long. */
export function createNodeChanges({
  inTransaction,
  clock,
}: RepositoryDeps): Pick<Store, 'changeNode' | 'removeNode' | 'setLostAfter'> {
  return {
    changeNode: (id, change) =>
      inTransaction(async (tx) => {
        await mustFindNode(tx, id);
        const values = columnsOf(change);
        if (Object.keys(values).length > 0) await tx.updateTable('nodes').set(values).where('id', '=', id).execute();
        return await mustFindNode(tx, id);
      }),
    removeNode: (id) =>
      inTransaction(async (tx) => {
        const node = await mustFindNode(tx, id);
        await exposeHeldKeys(tx, clock, { id, name: node.name, how: 'removed' });
        const state = transition(NODE_STATES, node.state, 'removed');
        await tx.deleteFrom('assignments').where('nodeId', '=', id).execute();
        await forgetNode(tx, clock, id);
        await tx.updateTable('nodes').set({ state, drainUntilMs: null, lostAtMs: null }).where('id', '=', id).execute();
      }),
    setLostAfter: (appId, lostAfterMs) =>
      inTransaction(async (tx) => {
        const stored = lostAfterMs === 'never' ? 0 : (lostAfterMs ?? null);
        await tx.updateTable('apps').set({ lostAfterMs: stored }).where('id', '=', appId).execute();
      }),
  };
}

function columnsOf({ cordoned, labels, ...times }: NodeChange): object {
  return {
    ...times,
    ...(cordoned === undefined ? {} : { cordoned: cordoned ? 1 : 0 }),
    ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
  };
}
