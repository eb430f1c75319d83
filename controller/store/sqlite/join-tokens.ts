import { randomBytes } from 'node:crypto';
import { nodeActor, type NewEvent } from '../../../shared/domain/event.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { IdentityStore } from '../identity-port.ts';
import type { JoinRequestRow, JoinTokenRow, NewJoinToken, RejoinRequestRow } from '../../domain/join-tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import { insertEvent } from './events.ts';
import { insertCertificate, retire, setCurrent } from './certificates.ts';
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

/** Used and expired tokens are kept this long, so that a machine can repeat its request when the answer got lost. */
const KEEP_MS = 24 * 60 * 60_000;

export function createJoinTokens({ inTransaction, clock, randomId }: RepositoryDeps): JoinTokens {
  return {
    addJoinToken: (token) => inTransaction((tx) => insertToken(tx, clock, token)),
    joinTokens: (nowMs) => inTransaction((tx) => unusedTokens(tx, nowMs)),
    removeJoinToken: (id, by) =>
      inTransaction(async (tx) => {
        const query = tx.deleteFrom('joinTokens').where('id', '=', id).where('usedByNodeId', 'is', null);
        if ((await query.executeTakeFirst()).numDeletedRows === 0n) return false;
        const message = `Join token ${id} was revoked.`;
        await insertEvent(tx, clock, { kind: 'node.token', actor: by ?? 'controller', message });
        return true;
      }),
    checkJoinToken: (secretHash, nowMs, name) =>
      inTransaction(async (tx) => {
        const token = await findToken(tx, secretHash);
        if (token?.rejoinsNodeId !== null || !isFresh(token, nowMs)) throw invalidJoinToken();
        const namesake = tx.selectFrom('nodes').select('id').where('name', '=', name).where('state', '<>', 'removed');
        if ((await namesake.executeTakeFirst()) !== undefined) throw nodeExists(name);
      }),
    redeemJoinToken: (secretHash, nowMs, node) =>
      inTransaction((tx) => redeemJoin(tx, { clock, randomId }, { ...node, secretHash, nowMs })),
    rejoinTarget: (secretHash, nowMs, keyHash) =>
      inTransaction((tx) => rejoinTarget(tx, { secretHash, nowMs, keyHash })),
    redeemRejoinToken: (secretHash, nowMs, request) =>
      inTransaction((tx) => redeemRejoin(tx, clock, { ...request, secretHash, nowMs })),
  };
}

async function insertToken(tx: Tx, clock: Clock, token: NewJoinToken): Promise<void> {
  const { secretHash, labels, expiresAtMs, by, rejoins } = token;
  const nowMs = clock.nowMs();
  await tx
    .deleteFrom('joinTokens')
    .where('expiresAtMs', '<', nowMs - KEEP_MS)
    .execute();
  await tx
    .insertInto('joinTokens')
    .values({
      id: newTokenId(),
      createdAtMs: nowMs,
      createdBy: by ?? 'controller',
      rejoinsNodeId: rejoins ?? null,
      secretHash,
      labels: JSON.stringify(labels),
      expiresAtMs,
      usedByNodeId: null,
      keyHash: null,
    })
    .execute();
  await insertEvent(tx, clock, await tokenEvent(tx, token));
}

async function unusedTokens(tx: Tx, nowMs: number): Promise<readonly JoinTokenRow[]> {
  const rows = await tx
    .selectFrom('joinTokens')
    .leftJoin('nodes', 'nodes.id', 'joinTokens.rejoinsNodeId')
    .select(['joinTokens.id', 'joinTokens.labels', 'createdAtMs', 'createdBy', 'expiresAtMs', 'nodes.name as rejoins'])
    .where('usedByNodeId', 'is', null)
    .where('expiresAtMs', '>', nowMs)
    .orderBy('createdAtMs', 'desc')
    .execute();
  return parseRows(joinTokenRow, rows);
}

async function redeemJoin(
  tx: Tx,
  { clock, randomId }: Pick<RepositoryDeps, 'clock' | 'randomId'>,
  request: JoinRequestRow & { secretHash: string; nowMs: number },
): Promise<NodeRow> {
  const { secretHash, nowMs } = request;
  const token = await findToken(tx, secretHash);
  if (token?.rejoinsNodeId !== null) throw invalidJoinToken();
  const existing = await sameMachineAgain(tx, token, request);
  if (existing !== undefined) return existing;
  if (!isFresh(token, nowMs)) throw invalidJoinToken();
  const node = await insertNode(tx, { ...request, id: randomId(), labels: token.labels });
  const { id, name } = node;
  const message = `Node ${name} joined the fleet.`;
  await insertEvent(tx, clock, { kind: 'node.joined', actor: nodeActor(name), node: name, message });
  await markUsed(tx, { secretHash, nodeId: id, keyHash: request.keyHash ?? null });
  return node;
}

async function redeemRejoin(
  tx: Tx,
  clock: Clock,
  request: RejoinRequestRow & { secretHash: string; nowMs: number },
): Promise<NodeRow> {
  const { secretHash, nowMs, keyHash, knownAs } = request;
  const node = await rejoinTarget(tx, { secretHash, nowMs, keyHash });
  const { id, name } = node;
  if (knownAs !== undefined && knownAs !== id) throw wrongRejoinToken(name);
  await replaceCertificate(tx, { node, request, nowMs });
  await markUsed(tx, { secretHash, nodeId: id, keyHash });
  await insertEvent(tx, clock, {
    kind: 'node.rejoined',
    actor: nodeActor(name),
    node: name,
    message: `Node ${name} rejoined with a new certificate; the former certificate is not valid any more.`,
    next: `slipway nodes:info ${name}`,
  });
  return await mustFindNode(tx, id);
}

async function tokenEvent(tx: Tx, token: NewJoinToken): Promise<NewEvent> {
  const { by: actor = 'controller', rejoins, expiresAtMs } = token;
  const about = { kind: 'node.token', actor, next: 'slipway nodes:tokens', details: { expiresAtMs } };
  if (rejoins === undefined) return { ...about, message: 'A join token for one machine was created.' };
  const { name } = await mustFindNode(tx, rejoins);
  return { ...about, node: name, message: `A rejoin token for node ${name} was created.` };
}

async function findToken(tx: Tx, secretHash: string): Promise<JoinTokenTableRow | undefined> {
  return await tx.selectFrom('joinTokens').selectAll().where('secretHash', '=', secretHash).executeTakeFirst();
}

function isFresh(token: JoinTokenTableRow, nowMs: number): boolean {
  return token.usedByNodeId === null && token.expiresAtMs > nowMs;
}

/** The answer to the machine's first request got lost. The key proves the machine, and the node has never connected. */
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
  node: JoinRequestRow & { id: string; labels: string; nowMs: number },
): Promise<NodeRow> {
  const { id, name, certificateSerial, notAfterMs, nowMs } = node;
  const labels = JSON.stringify(parseRow(labelsColumn, node.labels));
  const identity = { id, name, certificateSerial, certificateNotAfterMs: notAfterMs ?? null, revokedAtMs: null };
  const placement = { cordoned: 0, drainUntilMs: null, lostAtMs: null };
  const row = { ...identity, ...placement, state: 'joined', labels, facts: null, joinedAtMs: nowMs, generation: 0 };
  await unlessTaken(tx.insertInto('nodes').values(row).execute(), () => nodeExists(name));
  await insertCertificate(tx, { serial: certificateSerial, nodeId: id, state: 'current', notAfterMs, nowMs });
  return parseRow(nodeRow, row);
}

async function replaceCertificate(
  tx: Tx,
  change: { node: NodeRow; request: Pick<RejoinRequestRow, 'certificateSerial' | 'notAfterMs'>; nowMs: number },
): Promise<void> {
  const { node, request, nowMs } = change;
  const { certificateSerial: serial, notAfterMs } = request;
  await retire(tx, { nodeId: node.id, why: 'rejoined', nowMs });
  await insertCertificate(tx, { serial, nodeId: node.id, state: 'current', notAfterMs, nowMs });
  await setCurrent(tx, { nodeId: node.id, serial, notAfterMs: notAfterMs ?? null });
}

async function markUsed(tx: Tx, use: { secretHash: string; nodeId: string; keyHash: string | null }): Promise<void> {
  const { secretHash, nodeId, keyHash } = use;
  await tx
    .updateTable('joinTokens')
    .set({ usedByNodeId: nodeId, keyHash })
    .where('secretHash', '=', secretHash)
    .execute();
}

async function rejoinTarget(tx: Tx, request: { secretHash: string; nowMs: number; keyHash: string }): Promise<NodeRow> {
  const { secretHash, nowMs, keyHash } = request;
  const token = await findToken(tx, secretHash);
  if (token === undefined || token.rejoinsNodeId === null || token.expiresAtMs <= nowMs) throw invalidRejoinToken();
  if (token.usedByNodeId !== null && token.keyHash !== keyHash) throw invalidRejoinToken();
  const row = await tx.selectFrom('nodes').selectAll().where('id', '=', token.rejoinsNodeId).executeTakeFirst();
  if (row === undefined || row.state === 'removed') throw invalidRejoinToken();
  return parseRow(nodeRow, row);
}

/** Names a token on the command line. It tells nothing about the secret. */
function newTokenId(): string {
  return randomBytes(4).toString('hex');
}

/** One message for unknown, used and expired tokens, so that a guess reveals nothing. */
function invalidJoinToken(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_TOKEN',
    httpStatus: 403,
    message: 'This join token is invalid, was used, or has expired.',
    hint: 'A token joins one node and expires soon. Create a new one with: slipway nodes:token',
  });
}

function invalidRejoinToken(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_TOKEN',
    httpStatus: 403,
    message: 'This rejoin token is invalid, was used, or has expired.',
    hint: 'A token rejoins one node once and expires soon. Create a new one with: slipway nodes:rejoin NODE',
  });
}

function wrongRejoinToken(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_OTHER',
    httpStatus: 409,
    message: `This token is for node ${name}, but this machine is another node. The token is still valid.`,
    hint: `Use it on the machine of ${name}. To make this one ${name}, remove the agent's state folder here first.`,
  });
}

function nodeExists(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_EXISTS',
    kind: 'conflict',
    message: `A node named ${name} already exists.`,
    hint: `Join under another name with --name; the join token is still valid. If this machine is ${name}: slipway nodes:rejoin ${name}`,
  });
}
