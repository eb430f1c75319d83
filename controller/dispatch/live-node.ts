import type { Reason } from '../../shared/domain/instance.ts';
import type { Hello } from '../../shared/rpc/messages.ts';
import { duplicateNodeReason } from './duplicate-node.ts';
import type { LiveNodeState } from './node-registry.ts';
import type { LiveNode } from './port.ts';
import type { ServedCertificates } from './served-certificates.ts';

/** Both machines reconnect within 30 s. A session that lasts longer than this has no competitor any more. */
const DUPLICATE_GONE_AFTER_MS = 120_000;

function failureReason({
  name,
  session,
  boots: { duplicates },
  hostFailure,
  startFailure,
}: LiveNodeState): Reason | undefined {
  if (session === undefined) return startFailure;
  const lasts = session.lastSeenAtMs - session.openedAtMs > DUPLICATE_GONE_AFTER_MS;
  return duplicates === undefined || lasts ? hostFailure : duplicateNodeReason(name, duplicates);
}

function sessionFields({
  session,
  routes,
}: LiveNodeState): Pick<
  LiveNode,
  | 'refusedRoutesReason'
  | 'routesLate'
  | 'removesDestroyed'
  | 'losesRenamed'
  | 'ignoresMaintenance'
  | 'ignoresHttpsRules'
  | 'keepsCaches'
  | 'ignoresEdgeSettings'
  | 'egressIgnored'
  | 'checkProbes'
  | 'countsSwitches'
> {
  const hello = session?.hello;
  return {
    refusedRoutesReason: session?.routes.refusedReason,
    routesLate: session !== undefined && routes.late,
    removesDestroyed: hello?.takesDestroyed === true,
    ...(hello?.countsSwitches === true ? { countsSwitches: true } : {}),
    ...(hello === undefined ? {} : missingAbilities(hello)),
    checkProbes: hello === undefined ? undefined : (hello.checkProbes ?? []),
  };
}

/** What an older agent cannot do. */
function missingAbilities(
  hello: Hello,
): Pick<
  LiveNode,
  'losesRenamed' | 'ignoresMaintenance' | 'ignoresHttpsRules' | 'keepsCaches' | 'ignoresEdgeSettings' | 'egressIgnored'
> {
  return {
    losesRenamed: hello.routesByAppId !== true,
    ignoresMaintenance: hello.takesMaintenance !== true,
    ignoresHttpsRules: hello.takesCertificates !== true,
    keepsCaches: hello.takesCacheNumber !== true,
    ignoresEdgeSettings: hello.takesEdgeSettings !== true,
    egressIgnored: hello.takesEgress !== true,
  };
}

/** What the agent says in its session. */
function reported(
  { id, session, unreachablePeerIds }: LiveNodeState,
  served: Pick<ServedCertificates, 'unservedOn'> | undefined,
): Pick<LiveNode, 'unreachablePeerIds' | 'unservedCertificates'> {
  if (session === undefined) return { unreachablePeerIds: [], unservedCertificates: [] };
  return { unreachablePeerIds, unservedCertificates: served?.unservedOn(id) };
}

/** The view of a node that other modules read. Pure. */
export function liveNode(node: LiveNodeState, served?: Pick<ServedCertificates, 'unservedOn'>): LiveNode {
  const { facts, state, cordoned, draining, lost, revoked, labels } = node;
  return {
    nodeId: node.id,
    name: node.name,
    ...facts,
    ...{ state, cordoned, draining, lost, revoked, labels },
    connected: node.session !== undefined,
    lastSeenAtMs: node.session?.lastSeenAtMs ?? node.lastSeenAtMs,
    platform: facts.os === '' ? '' : `${facts.os}-${facts.arch}`,
    versionMismatch: node.session === undefined ? undefined : node.versionMismatch,
    failure: failureReason(node),
    meshAddress: facts.meshAddress ?? '',
    refusedStateReason: node.session === undefined ? undefined : node.ack?.reason,
    ...sessionFields(node),
    unreadableRequests: node.unreadableRequests,
    ...reported(node, served),
    load1: node.load1,
    memoryFreeBytes: node.memoryFreeBytes,
  };
}
