import type { UserName } from '../../shared/domain/names.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { ApiDeps } from './deps.ts';

type RevokeDeps = Pick<ApiDeps, 'store' | 'fleet' | 'endSessions' | 'connections' | 'log' | 'automaticCertificates'>;

/**
 * Revokes the certificates of a node and ends its connections. From now on the controller serves no request and no session with them, and the other
 * nodes refuse them too. The node keeps its name and assignments. `nodes:rejoin` gives it a new certificate.
 * The keys of certificates that it held are replaced.
 */
export async function revokeNode(deps: RevokeDeps, node: NodeRow, by: UserName): Promise<void> {
  const serials = await deps.store.revokeCertificates(node.id, by);
  deps.automaticCertificates.revocationsChanged();
  for (const serial of serials) deps.connections.cut(serial);
  deps.endSessions(node.id, revokedWords(node.name));
  const row = await deps.store.nodeById(node.id);
  if (row !== undefined) deps.fleet.nodeChanged(row);
  deps.log.warn({ node: node.name, nodeId: node.id, by }, 'node.revoked');
}

export function revokedWords(name: string): string {
  return `The certificate of node ${name} was revoked. To let this machine back in, rejoin it: slipway nodes:rejoin ${name}`;
}
