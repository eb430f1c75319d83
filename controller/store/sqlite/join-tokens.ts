import { randomBytes } from 'node:crypto';
import { nodeActor, type NewEvent } from '../../../shared/domain/event.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { IdentityStore } from '../identity-port.ts';
import type { JoinRequestRow, NewJoinToken, RejoinRequestRow } from '../../domain/join-tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import { insertEvent } from './events.ts';
import { insertCertificate, retire, setCurrent } from './identity.ts';
import { mustFindNode } from './nodes.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import { joinTokenRow, labelsColumn, nodeRow, parseRow, parseRows } from './rows.ts';
import type { JoinTokenTableRow, Tx } from './schema.ts';

type JoinTokens = Pick<
  IdentityStore,
  | 'addJoinToken'
  | 'joinTokens'
  | 'removeJoinToken'
  | 'checkJoinToken'
  | 'redeemJoinToken'
  | 'rejoinTarget'
  | 'redeemRejoinToken'
>;

/** Used and expired tokens are kept this long, so that a machine whose answer got lost can ask again. */
const KEEP_MS = 24 * 60 * 60_000;

export function createJoinTokens({ inTransaction, clock, randomId }: RepositoryDeps): JoinTokens {
  return {
    addJoinToken: ({ secretHash, labels, expiresAtMs, by, rejoins }) =>
      inTransaction(async (tx) => {
        const nowMs = clock.nowMs();
        await tx
          .deleteFrom('joinTokens')
          .where('expiresAtMs', '<', nowMs - KEEP_MS)
          .execute();
        const made = {
          id: newTokenId(),
          createdAtMs: nowMs,
          createdBy: by ?? 'controller',
          rejoinsNodeId: rejoins ?? null,
        };
        const row = {
          ...made,
          secretHash,
          labels: JSON.stringify(labels),
          expiresAtMs,
          usedByNodeId: null,
          keyHash: null,
        };
        await tx.insertInto('joinTokens').values(row).execute();
        await insertEvent(tx, clock, await tokenEvent(tx, { by, rejoins, expiresAtMs }));
      }),
    joinTokens: (nowMs) =>
      inTransaction(async (tx) => {
        const rows = await tx
          .selectFrom('joinTokens')
          .leftJoin('nodes', 'nodes.id', 'joinTokens.rejoinsNodeId')
          .select([
            'joinTokens.id',
            'joinTokens.labels',
            'createdAtMs',
            'createdBy',
            'expiresAtMs',
            'nodes.name as rejoins',
          ])
          .where('usedByNodeId', 'is', null)
          .where('expiresAtMs', '>', nowMs)
          .orderBy('createdAtMs', 'desc')
          .execute();
        return parseRows(joinTokenRow, rows);
      }),
    removeJoinToken: (id, by) =>
      inTransaction(async (tx) => {
        const query = tx.deleteFrom('joinTokens').where('id', '=', id).where('usedByNodeId', 'is', null);
        if ((await query.executeTakeFirst()).numDeletedRows === 0n) return false;
        await insertEvent(tx, clock, {
          kind: 'node.token',
          actor: by ?? 'controller',
          message: `Join token ${id} was revoked.`,
        });
        return true;
      }),
    checkJoinToken: (secretHash, nowMs, name) =>
      inTransaction(async (tx) => {
        const token = await findToken(tx, secretHash);
        if (token?.rejoinsNodeId !== null || !isFresh(token, nowMs)) throw joinRefused();
        const namesake = tx.selectFrom('nodes').select('id').where('name', '=', name).where('state', '<>', 'removed');
        if ((await namesake.executeTakeFirst()) !== undefined) throw nodeExists(name);
      }),
    redeemJoinToken: (secretHash, nowMs, node) =>
      inTransaction(async (tx) => {
        const token = await findToken(tx, secretHash);
        if (token?.rejoinsNodeId !== null) throw joinRefused();
        const again = await sameMachineAgain(tx, token, node);
        if (again !== undefined) return again;
        if (!isFresh(token, nowMs)) throw joinRefused();
        const { labels } = token;
        const made = await insertNode(tx, { ...node, id: randomId(), labels, nowMs });
        const { name } = made;
        const message = `Node ${name} joined the fleet.`;
        await insertEvent(tx, clock, { kind: 'node.joined', actor: nodeActor(name), node: name, message });
        await markUsed(tx, { secretHash, nodeId: made.id, keyHash: node.keyHash ?? null });
        return made;
      }),
    rejoinTarget: (secretHash, nowMs, keyHash) =>
      inTransaction((tx) => rejoinTarget(tx, { secretHash, nowMs, keyHash })),
    redeemRejoinToken: (secretHash, nowMs, of) =>
      inTransaction((tx) => redeemRejoin(tx, { ...of, secretHash, nowMs, clock })),
  };
}

async function redeemRejoin(
  tx: Tx,
  of: RejoinRequestRow & { secretHash: string; nowMs: number; clock: Clock },
): Promise<NodeRow> {
  const { secretHash, nowMs, keyHash, clock } = of;
  const node = await rejoinTarget(tx, { secretHash, nowMs, keyHash });
  const { id, name } = node;
  if (of.knownAs !== undefined && of.knownAs !== id) throw rejoinOther(name);
  await replaceCertificate(tx, { node, request: of, nowMs });
  await markUsed(tx, { secretHash, nodeId: id, keyHash });
  const message = `Node ${name} rejoined with a new certificate; the former one is worth nothing.`;
  const event = {
    kind: 'node.rejoined',
    actor: nodeActor(name),
    node: name,
    message,
    next: `slipway nodes:info ${name}`,
  };
  await insertEvent(tx, clock, event);
  return await mustFindNode(tx, id);
}

async function tokenEvent(tx: Tx, of: Pick<NewJoinToken, 'by' | 'rejoins' | 'expiresAtMs'>): Promise<NewEvent> {
  const { by: actor = 'controller', rejoins, expiresAtMs } = of;
  const about = { kind: 'node.token', actor, next: 'slipway nodes:tokens', details: { expiresAtMs } };
  if (rejoins === undefined) return { ...about, message: 'A token was made with which one machine can join.' };
  const { name } = await mustFindNode(tx, rejoins);
  return { ...about, node: name, message: `A token was made with which one machine can rejoin as ${name}.` };
}

async function findToken(tx: Tx, secretHash: string): Promise<JoinTokenTableRow | undefined> {
  return await tx.selectFrom('joinTokens').selectAll().where('secretHash', '=', secretHash).executeTakeFirst();
}

function isFresh(token: JoinTokenTableRow, nowMs: number): boolean {
  return token.usedByNodeId === null && token.expiresAtMs > nowMs;
}

/** The answer to its first try got lost on the way: nobody else has the key, and nobody has been this node yet. */
async function sameMachineAgain(
  tx: Tx,
  token: JoinTokenTableRow,
  request: JoinRequestRow,
): Promise<NodeRow | undefined> {
  if (token.usedByNodeId === null || request.keyHash === undefined || token.keyHash !== request.keyHash)
    return undefined;
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', token.usedByNodeId).executeTakeFirst();
  if (row?.state !== 'joined') return undefined;
  await replaceCertificate(tx, { node: parseRow(nodeRow, row), request, nowMs: row.joinedAtMs });
  return parseRow(nodeRow, { ...row, certificateSerial: request.certificateSerial });
}

async function insertNode(
  tx: Tx,
  of: JoinRequestRow & { id: string; labels: string; nowMs: number },
): Promise<NodeRow> {
  const { id, name, certificateSerial, notAfterMs, nowMs } = of;
  const labels = JSON.stringify(parseRow(labelsColumn, of.labels));
  const identity = { id, name, certificateSerial, certificateNotAfterMs: notAfterMs ?? null, revokedAtMs: null };
  const placement = { cordoned: 0, drainUntilMs: null, lostAtMs: null };
  const row = { ...identity, ...placement, state: 'joined', labels, facts: null, joinedAtMs: nowMs, generation: 0 };
  await unlessTaken(tx.insertInto('nodes').values(row).execute(), () => nodeExists(name));
  await insertCertificate(tx, { serial: certificateSerial, nodeId: id, state: 'current', notAfterMs, nowMs });
  return parseRow(nodeRow, row);
}

async function replaceCertificate(
  tx: Tx,
  of: { node: NodeRow; request: Pick<RejoinRequestRow, 'certificateSerial' | 'notAfterMs'>; nowMs: number },
): Promise<void> {
  const { node, request, nowMs } = of;
  const { certificateSerial: serial, notAfterMs } = request;
  await retire(tx, { nodeId: node.id, why: 'rejoined', nowMs });
  await insertCertificate(tx, { serial, nodeId: node.id, state: 'current', notAfterMs, nowMs });
  await setCurrent(tx, { nodeId: node.id, serial, notAfterMs: notAfterMs ?? null });
}

async function markUsed(tx: Tx, of: { secretHash: string; nodeId: string; keyHash: string | null }): Promise<void> {
  const { secretHash, nodeId, keyHash } = of;
  await tx
    .updateTable('joinTokens')
    .set({ usedByNodeId: nodeId, keyHash })
    .where('secretHash', '=', secretHash)
    .execute();
}

async function rejoinTarget(tx: Tx, of: { secretHash: string; nowMs: number; keyHash: string }): Promise<NodeRow> {
  const token = await findToken(tx, of.secretHash);
  if (token === undefined || token.rejoinsNodeId === null || token.expiresAtMs <= of.nowMs) throw rejoinRefused();
  if (token.usedByNodeId !== null && token.keyHash !== of.keyHash) throw rejoinRefused();
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', token.rejoinsNodeId).executeTakeFirst();
  if (row === undefined || row.state === 'removed') throw rejoinRefused();
  return parseRow(nodeRow, row);
}

/** What a person types to name a token; says nothing of its secret. */
function newTokenId(): string {
  return randomBytes(4).toString('hex');
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

function rejoinRefused(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_TOKEN',
    httpStatus: 403,
    message: 'This rejoin token is not valid (any more).',
    hint: 'A token rejoins one node once and expires soon. Make a new one with: slipway nodes:rejoin NODE',
  });
}

function rejoinOther(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_OTHER',
    httpStatus: 409,
    message: `This token is for node ${name}, but this machine is another node. The token is still good.`,
    hint: `Use it on the machine of ${name}. To make this one ${name}, remove the agent's state folder here first.`,
  });
}

function nodeExists(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_EXISTS',
    kind: 'conflict',
    message: `There is a node named ${name} already.`,
    hint: `Join under another name with --name; the join token is still good. If this machine is ${name}: slipway nodes:rejoin ${name}`,
  });
}
