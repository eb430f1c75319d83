import type { NewEvent } from '../../../shared/domain/event.ts';
import { NODE_STATES, transition, type NodeState } from '../../../shared/domain/states.ts';
import type { NodeRow, Store } from '../port.ts';
import { insertEvent } from './events.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { nodeRow, parseRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

type Nodes = Pick<Store, 'nodes' | 'setNodeState' | 'setNodeFacts'>;

export function createNodes({ inTransaction, clock }: RepositoryDeps): Nodes {
  return {
    nodes: () =>
      inTransaction(async (tx) => {
        return parseRows(nodeRow, await tx.selectFrom('nodes').selectAll().where('state', '<>', 'removed').orderBy('name').execute());
      }),
    setNodeState: (id, state) =>
      inTransaction(async (tx) => {
        const node = await mustFindNode(tx, id);
        if (node.state === state) return;
        await tx
          .updateTable('nodes')
          .set({ state: transition(NODE_STATES, node.state, state) })
          .where('id', '=', id)
          .execute();
        await insertEvent(tx, clock, stateEvent(node, state));
      }),
    setNodeFacts: (id, facts) =>
      inTransaction(async (tx) => {
        await mustFindNode(tx, id);
        await tx
          .updateTable('nodes')
          .set({ facts: JSON.stringify(facts) })
          .where('id', '=', id)
          .execute();
      }),
  };
}

function stateEvent({ name, state: before }: NodeRow, state: NodeState): NewEvent {
  const back = before === 'unreachable' ? `Node ${name} is back.` : `Node ${name} is ready.`;
  const messages: Readonly<Record<NodeState, string>> = {
    joined: `Node ${name} joined.`,
    ready: back,
    unreachable: `Node ${name} cannot be reached any more; what it runs goes on if the machine does.`,
    removed: `Node ${name} was removed from the fleet.`,
  };
  return { kind: `node.${state}`, actor: 'controller', node: name, message: messages[state], next: `slipway why ${name}` };
}

export async function mustFindNode(tx: Tx, id: string): Promise<NodeRow> {
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw notFound('node');
  return parseRow(nodeRow, row);
}
