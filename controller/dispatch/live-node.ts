import type { Reason } from '../../shared/domain/instance.ts';
import { duplicateNodeReason } from './duplicate-node.ts';
import type { LiveNodeState } from './node-registry.ts';
import type { LiveNode } from './port.ts';

/** Both machines reconnect within 30 s. A session that lasts longer than this has no competitor any more. */
const DUPLICATE_GONE_AFTER_MS = 120_000;

function troubleReason({
  name,
  session,
  boots: { duplicates },
  trouble,
  startTrouble,
}: LiveNodeState): Reason | undefined {
  if (session === undefined) return startTrouble;
  const lasts = session.lastSeenAtMs - session.openedAtMs > DUPLICATE_GONE_AFTER_MS;
  return duplicates === undefined || lasts ? trouble : duplicateNodeReason(name, duplicates);
}

function sessionFields({
  session,
  routes,
}: LiveNodeState): Pick<LiveNode, 'routesRefusal' | 'routesLate' | 'removesDestroyed' | 'egressIgnored'> {
  const hello = session?.hello;
  return {
    routesRefusal: session?.routes.refusal,
    routesLate: session !== undefined && routes.late,
    removesDestroyed: hello?.takesDestroyed === true,
    egressIgnored: hello !== undefined && hello.takesEgress !== true,
  };
}

/** The view of a node that other modules read. Pure. */
export function liveNode(node: LiveNodeState): LiveNode {
  const { facts, state, cordoned, draining, lost, revoked, labels } = node;
  return {
    nodeId: node.id,
    name: node.name,
    ...facts,
    ...{ state, cordoned, draining, lost, revoked, labels },
    connected: node.session !== undefined,
    lastSeenAtMs: node.session?.lastSeenAtMs ?? node.lastSeenAtMs,
    platform: facts.os === '' ? '' : `${facts.os}-${facts.arch}`,
    versionTrouble: node.session === undefined ? undefined : node.versionTrouble,
    trouble: troubleReason(node),
    meshAddress: facts.meshAddress ?? '',
    refusal: node.session === undefined ? undefined : node.ack?.refusal,
    ...sessionFields(node),
    unreachablePeerIds: node.session === undefined ? [] : node.unreachablePeerIds,
    unreadableRequests: node.unreadableRequests,
    load1: node.load1,
    memoryFreeBytes: node.memoryFreeBytes,
  };
}
