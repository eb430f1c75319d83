import { NODE_STATES, transition } from '../../../shared/domain/states.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { NodeRow, Store } from '../port.ts';
import { notFound, unlessTaken, type RepositoryDeps } from './repository.ts';
import { labelsColumn, nodeRow, parseRow, parseRowIfAny, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

type Nodes = Pick<Store, 'nodeBySerial' | 'nodes' | 'setNodeState' | 'setNodeFacts'>;
type Joins = Pick<Store, 'redeemJoinToken' | 'addJoinToken'>;

export function createNodes({ inTransaction }: RepositoryDeps): Nodes {
  return {
    nodeBySerial: (serial) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('nodes').selectAll().where('certificateSerial', '=', serial);
        return parseRowIfAny(nodeRow, await query.executeTakeFirst());
      }),
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

export function createJoins({ inTransaction, randomId }: RepositoryDeps): Joins {
  return {
    addJoinToken: ({ secretHash, labels, expiresAtMs }) =>
      inTransaction(async (tx) => {
        await tx
          .insertInto('joinTokens')
          .values({ secretHash, labels: JSON.stringify(labels), expiresAtMs })
          .execute();
      }),
    redeemJoinToken: (secretHash, nowMs, { name, certificateSerial }) =>
      inTransaction(async (tx) => {
        const token = await tx.selectFrom('joinTokens').selectAll().where('secretHash', '=', secretHash).executeTakeFirst();
        if (token?.usedByNodeId !== null || token.expiresAtMs <= nowMs) throw joinRefused();
        const id = randomId();
        const labels = JSON.stringify(parseRow(labelsColumn, token.labels));
        const row = {
          ...{ id, name, certificateSerial, state: 'joined', labels, facts: null, joinedAtMs: nowMs, generation: 0 },
          ...{ cordoned: 0, drainUntilMs: null, lostAtMs: null },
        };
        await unlessTaken(tx.insertInto('nodes').values(row).execute(), () => nodeExists(name));
        await tx.updateTable('joinTokens').set({ usedByNodeId: id }).where('secretHash', '=', secretHash).execute();
        return parseRow(nodeRow, row);
      }),
  };
}

export async function mustFindNode(tx: Tx, id: string): Promise<NodeRow> {
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw notFound('node');
  return parseRow(nodeRow, row);
}

/** The same words for unknown, used and expired: whoever guesses learns nothing. */
function joinRefused(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_TOKEN',
    httpStatus: 403,
    message: 'This join token is not valid (any more).',
    hint: 'A token joins one node and expires soon. Make a new one with: slipway nodes:token',
  });
}

function nodeExists(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_EXISTS',
    kind: 'conflict',
    message: `There is a node named ${name} already.`,
    hint: 'Join under another name with --name; the join token is still good.',
  });
}
