import type { NewEvent } from '../../../shared/domain/event.ts';
import { NODE_STATES, transition, type NodeState } from '../../../shared/domain/states.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { NodeRow, PresentNode } from '../../domain/nodes.ts';
import type { Store } from '../port.ts';
import { insertEvent } from './events.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { nodeRow, parseRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

type Nodes = Pick<Store, 'nodes' | 'setNodeState' | 'setNodesPresent'>;

export function createNodes({ inTransaction, clock }: RepositoryDeps): Nodes {
  return {
    nodes: () =>
      inTransaction(async (tx) => {
        return parseRows(
          nodeRow,
          await tx.selectFrom('nodes').selectAll().where('state', '<>', 'removed').orderBy('name').execute(),
        );
      }),
    setNodeState: (id, state) =>
      inTransaction(async (tx) => setState({ tx, clock }, await mustFindNode(tx, id), state)),
    setNodesPresent: (nodes) =>
      inTransaction(async (tx) => {
        for (const { id, facts } of nodes) {
          const node = await mustFindNode(tx, id);
          if (node.state === 'removed') continue;
          if (facts !== undefined) await setFacts(tx, id, facts);
          await setState({ tx, clock }, node, 'ready');
        }
      }),
  };
}

async function setFacts(tx: Tx, id: string, facts: NonNullable<PresentNode['facts']>): Promise<void> {
  await tx
    .updateTable('nodes')
    .set({ facts: JSON.stringify(facts) })
    .where('id', '=', id)
    .execute();
}

async function setState({ tx, clock }: { tx: Tx; clock: Clock }, node: NodeRow, state: NodeState): Promise<void> {
  if (node.state === state) return;
  await tx
    .updateTable('nodes')
    .set({ state: transition(NODE_STATES, node.state, state) })
    .where('id', '=', node.id)
    .execute();
  await insertEvent(tx, clock, stateEvent(node, state));
}

function stateEvent({ name, state: before }: NodeRow, state: NodeState): NewEvent {
  const back = before === 'unreachable' ? `Node ${name} is back.` : `Node ${name} is ready.`;
  const messages: Readonly<Record<NodeState, string>> = {
    joined: `Node ${name} joined.`,
    ready: back,
    unreachable: `Node ${name} is unreachable. Its instances keep running while its machine runs.`,
    removed: `Node ${name} was removed from the fleet.`,
  };
  return {
    kind: `node.${state}`,
    actor: 'controller',
    node: name,
    message: messages[state],
    next: `slipway why ${name}`,
  };
}

export async function mustFindNode(tx: Tx, id: string): Promise<NodeRow> {
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw notFound('node');
  return parseRow(nodeRow, row);
}
