import type { CertificateId } from '../../shared/domain/ids.ts';
import type { LiveNodeState } from './node-registry.ts';
import type { CertificateOnNode } from './port.ts';
import type { ServedCertificates } from './served-certificates.ts';

type KnownNode = Pick<LiveNodeState, 'id' | 'name' | 'state' | 'facts' | 'session'>;

/** Pure: how each node that answers HTTPS serves the certificate, by name. */
export function certificateOnNodes(
  nodes: Iterable<KnownNode>,
  served: Pick<ServedCertificates, 'on'>,
  id: CertificateId,
): readonly CertificateOnNode[] {
  return [...nodes]
    .filter(({ state, facts }) => state !== 'removed' && (facts.httpsPort ?? 0) > 0)
    .map((node) => onNode(node, served, id))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function onNode(
  { id: nodeId, name, session }: KnownNode,
  served: Pick<ServedCertificates, 'on'>,
  id: CertificateId,
): CertificateOnNode {
  const now = served.on(nodeId, id);
  const connected = session !== undefined;
  if (now?.kind !== 'unserved') return { nodeId, name, connected, state: now?.kind ?? 'waiting' };
  const { reason, servedFingerprint } = now.certificate;
  return { nodeId, name, connected, state: 'unserved', reason, servedFingerprint };
}
