import type { NodeId } from '../../../shared/domain/ids.ts';
import type { UserName } from '../../../shared/domain/names.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { nodeActor } from '../../../shared/domain/event.ts';
import type { IdentityStore } from '../identity-port.ts';
import type { RetiredWhy } from '../../domain/nodes.ts';
import { insertEvent } from './events.ts';
import { exposeHeldKeys } from './held-keys.ts';
import { mustFindNode } from './nodes.ts';
import type { RepositoryDeps } from './repository.ts';
import { nodeRow, parseRow, parseRowIfAny } from './rows.ts';
import type { Tx } from './schema.ts';

type Certificates = Pick<
  IdentityStore,
  | 'nodeBySerial'
  | 'nodeById'
  | 'nodeByName'
  | 'retiredCertificate'
  | 'refusedCertificates'
  | 'addCertificate'
  | 'useCertificate'
  | 'revokeCertificates'
>;

export function createCertificates({ inTransaction, clock }: RepositoryDeps): Certificates {
  return {
    nodeBySerial: (serial) =>
      inTransaction(async (tx) => {
        const row = await nodesOf(tx)
          .where('serial', '=', serial)
          .where('nodeCertificates.state', '<>', 'retired')
          .executeTakeFirst();
        return parseRowIfAny(nodeRow, row);
      }),
    nodeById: (id) =>
      inTransaction(async (tx) => {
        return parseRowIfAny(nodeRow, await tx.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst());
      }),
    nodeByName: (name) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('nodes').selectAll().where('name', '=', name).where('state', '<>', 'removed');
        return parseRowIfAny(nodeRow, await query.executeTakeFirst());
      }),
    retiredCertificate: (serial) =>
      inTransaction(async (tx) => {
        const certificate = await tx
          .selectFrom('nodeCertificates')
          .selectAll()
          .where('serial', '=', serial)
          .executeTakeFirst();
        if (certificate?.state !== 'retired') return undefined;
        const node = parseRow(nodeRow, await nodesOf(tx).where('serial', '=', serial).executeTakeFirstOrThrow());
        return { node, why: certificate.why as RetiredWhy, atMs: certificate.retiredAtMs ?? 0 };
      }),
    refusedCertificates: (nowMs) => inTransaction((tx) => refusedSerials(tx, nowMs)),
    addCertificate: (id, { serial, notAfterMs }) =>
      inTransaction(async (tx) => {
        // The agent asks for one certificate at a time, so an older pending one is not on the node's disk.
        await tx.deleteFrom('nodeCertificates').where('nodeId', '=', id).where('state', '=', 'pending').execute();
        await insertCertificate(tx, { serial, nodeId: id, state: 'pending', notAfterMs, nowMs: clock.nowMs() });
      }),
    useCertificate: (serial) => inTransaction((tx) => makeCurrent(tx, clock, serial)),
    revokeCertificates: (id, by) => inTransaction((tx) => revokeAll(tx, clock, { id, by })),
  };
}

/** Makes a pending certificate the current one and retires the former one. */
async function makeCurrent(tx: Tx, clock: Clock, serial: string): Promise<void> {
  const certificate = await tx
    .selectFrom('nodeCertificates')
    .selectAll()
    .where('serial', '=', serial)
    .executeTakeFirst();
  if (certificate?.state !== 'pending') return;
  const { nodeId, notAfterMs } = certificate;
  await retire(tx, { nodeId, why: 'renewed', nowMs: clock.nowMs(), except: serial });
  await tx.updateTable('nodeCertificates').set({ state: 'current' }).where('serial', '=', serial).execute();
  await setCurrent(tx, { nodeId, serial, notAfterMs });
  const { name } = await mustFindNode(tx, nodeId);
  const message = `Node ${name} uses a renewed certificate.`;
  await insertEvent(tx, clock, { kind: 'node.certificate', actor: nodeActor(name), node: name, message });
}

async function revokeAll(
  tx: Tx,
  clock: Clock,
  { id, by }: { readonly id: NodeId; readonly by: UserName | undefined },
): Promise<readonly string[]> {
  const nowMs = clock.nowMs();
  await retire(tx, { nodeId: id, why: 'revoked', nowMs });
  await tx.updateTable('nodes').set({ revokedAtMs: nowMs }).where('id', '=', id).execute();
  const { name } = await mustFindNode(tx, id);
  await exposeHeldKeys(tx, clock, { id, name, how: 'revoked' });
  await insertEvent(tx, clock, {
    kind: 'node.revoked',
    actor: by ?? 'controller',
    node: name,
    message: `The certificate of node ${name} was revoked; its session and downloads were closed.`,
    next: `slipway nodes:rejoin ${name}`,
  });
  const rows = await tx.selectFrom('nodeCertificates').select('serial').where('nodeId', '=', id).execute();
  return rows.map((row) => row.serial);
}

/** Unexpired certificates that a node had at or before a revocation or a rejoin. */
async function refusedSerials(tx: Tx, nowMs: number): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('nodeCertificates as former')
    .innerJoin('nodeCertificates as cut', 'cut.nodeId', 'former.nodeId')
    .where('cut.why', 'in', ['revoked', 'rejoined'])
    .whereRef('cut.retiredAtMs', '>=', 'former.retiredAtMs')
    .where((or) => or.or([or('former.notAfterMs', 'is', null), or('former.notAfterMs', '>', nowMs)]))
    .select('former.serial')
    .distinct()
    .orderBy('former.serial')
    .execute();
  return rows.map((row) => row.serial);
}

function nodesOf(tx: Tx) {
  return tx.selectFrom('nodeCertificates').innerJoin('nodes', 'nodes.id', 'nodeCertificates.nodeId').selectAll('nodes');
}

/** Retires the valid certificates of a node, and deletes the rows of retired ones that have expired. */
export async function retire(
  tx: Tx,
  change: { nodeId: string; why: RetiredWhy; nowMs: number; except?: string },
): Promise<void> {
  const { nodeId, why, nowMs, except = '' } = change;
  await tx
    .deleteFrom('nodeCertificates')
    .where('nodeId', '=', nodeId)
    .where('state', '=', 'retired')
    .where('notAfterMs', '<', nowMs)
    .execute();
  const valid = tx
    .updateTable('nodeCertificates')
    .where('nodeId', '=', nodeId)
    .where('state', '<>', 'retired')
    .where('serial', '<>', except);
  await valid.set({ state: 'retired', why, retiredAtMs: nowMs }).execute();
}

export async function setCurrent(
  tx: Tx,
  current: { nodeId: string; serial: string; notAfterMs: number | null },
): Promise<void> {
  const { nodeId, serial, notAfterMs } = current;
  const change = { certificateSerial: serial, certificateNotAfterMs: notAfterMs, revokedAtMs: null };
  await tx.updateTable('nodes').set(change).where('id', '=', nodeId).execute();
}

export async function insertCertificate(
  tx: Tx,
  certificate: {
    serial: string;
    nodeId: NodeId | string;
    state: 'pending' | 'current';
    notAfterMs: number | undefined;
    nowMs: number;
  },
): Promise<void> {
  const { serial, nodeId, state, notAfterMs = null, nowMs } = certificate;
  await tx
    .insertInto('nodeCertificates')
    .values({ serial, nodeId, state, why: null, issuedAtMs: nowMs, notAfterMs, retiredAtMs: null })
    .execute();
}
