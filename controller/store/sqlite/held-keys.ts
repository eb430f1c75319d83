import type { NodeId } from '../../../shared/domain/ids.ts';
import { publicKeyHash } from '../../../shared/kit/certificate-pair.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { insertEvent } from './events.ts';
import { askRevocation } from './issued-certificates.ts';
import type { Tx } from './schema.ts';

const NAMES_SHOWN = 5;

/**
 * The keys that a node held are not secret any more. Certificates of a CA get a successor with a new key, and are revoked then. Uploaded ones
 * are marked: only their owner can replace them. It is part of the transaction that revokes or removes the node, so no crash loses it.
 */
export async function exposeHeldKeys(
  tx: Tx,
  clock: Clock,
  { id: nodeId, name, how }: { readonly id: NodeId; readonly name: string; readonly how: 'revoked' | 'removed' },
): Promise<void> {
  const holders = tx.selectFrom('certificateHolders').select('fingerprint').where('nodeId', '=', nodeId);
  const held = (await holders.execute()).map(({ fingerprint }) => fingerprint);
  if (held.length === 0) return;
  const nowMs = clock.nowMs();
  const cause = `Node ${name} held its key, and was ${how} on ${new Date(nowMs).toISOString().slice(0, 10)}.`;
  const ordered = new Set<string>();
  for (const fingerprint of held) {
    const wish = { fingerprint, reason: 'keyCompromise', cause, state: 'replacing', nowMs } as const;
    const issued = await askRevocation(tx, wish);
    if (issued !== undefined && issued.state !== 'revoked') ordered.add(issued.hostname);
  }
  const uploaded = await markUploaded(tx, { nodeId, cause, nowMs });
  await tx.deleteFrom('certificateHolders').where('nodeId', '=', nodeId).execute();
  const message = [`Node ${name} held private keys of certificates.`, ...sayOrdered(ordered), ...sayUploaded(uploaded)];
  await insertEvent(tx, clock, {
    ...{ kind: 'node.keys-exposed', actor: 'controller', node: name, message: message.join(' ') },
    next: 'slipway status',
  });
}

async function markUploaded(
  tx: Tx,
  { nodeId, cause, nowMs }: { readonly nodeId: NodeId; readonly cause: string; readonly nowMs: number },
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('tlsCertificates')
    .innerJoin('certificateHolders', 'certificateHolders.fingerprint', 'tlsCertificates.fingerprint')
    .select(['tlsCertificates.id', 'tlsCertificates.names', 'tlsCertificates.chain'])
    .where('certificateHolders.nodeId', '=', nodeId)
    .where('kind', '=', 'uploaded')
    .execute();
  for (const { id, chain } of rows) {
    await tx.updateTable('tlsCertificates').set({ exposed: cause }).where('id', '=', id).execute();
    const hash = publicKeyHash(chain);
    if (hash === undefined) continue;
    const insert = tx.insertInto('exposedKeys').values({ hash, cause, atMs: nowMs });
    await insert.onConflict((known) => known.column('hash').doNothing()).execute();
  }
  return rows.map(({ names }) => (JSON.parse(names) as readonly string[])[0] ?? '');
}

function sayOrdered({ size }: ReadonlySet<string>): readonly string[] {
  if (size === 0) return [];
  if (size === 1) return ['One from a certificate authority is ordered again with a new key, and then revoked.'];
  return [`${String(size)} from a certificate authority are ordered again with new keys, and then revoked.`];
}

function sayUploaded(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_SHOWN ? ` and ${String(names.length - NAMES_SHOWN)} more` : '';
  return [`Uploaded ones must be replaced by their owners: ${names.slice(0, NAMES_SHOWN).join(', ')}${more}.`];
}
