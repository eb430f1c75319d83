import { nodeActor, type NewEvent } from '../../../shared/domain/event.ts';
import { NODE_STATES, transition, type NodeState } from '../../../shared/domain/states.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { NodeRow, Store } from '../port.ts';
import { insertEvent } from './events.ts';
import { notFound, unlessTaken, type RepositoryDeps } from './repository.ts';
import { labelsColumn, nodeRow, parseRow, parseRowIfAny, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

type Nodes = Pick<Store, 'nodeBySerial' | 'nodes' | 'setNodeState' | 'setNodeFacts'>;
type Joins = Pick<Store, 'redeemJoinToken' | 'addJoinToken'>;

export function createNodes({ inTransaction, clock }: RepositoryDeps): Nodes {
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

export function createJoins({ inTransaction, clock, randomId }: RepositoryDeps): Joins {
  return {
    addJoinToken: ({ secretHash, labels, expiresAtMs, by }) =>
      inTransaction(async (tx) => {
        await tx
          .insertInto('joinTokens')
          .values({ secretHash, labels: JSON.stringify(labels), expiresAtMs })
          .execute();
        const message = 'A token was made with which one machine can join.';
        const event = { kind: 'node.token', actor: by ?? 'controller', message, next: 'slipway nodes', details: { expiresAtMs } };
        await insertEvent(tx, clock, event);
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
        await insertEvent(tx, clock, {
          kind: 'node.joined',
          actor: nodeActor(name),
          node: name,
          message: `Node ${name} joined the fleet.`,
        });
        await tx.updateTable('joinTokens').set({ usedByNodeId: id }).where('secretHash', '=', secretHash).execute();
        return parseRow(nodeRow, row);
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
