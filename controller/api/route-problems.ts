import type { ProblemBody } from '../../shared/api/schema.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { LiveNode } from '../dispatch/port.ts';

/** At most this many nodes are named in one sentence. */
const NAMED_NODES = 5;

type RoutedNode = Pick<LiveNode, 'name' | 'connected' | 'refusedRoutesReason' | 'routesLate'>;

/** Why a node does not follow this controller, or does not accept its routes. Pure. */
export function refusedReason(
  live: Pick<LiveNode, 'refusedStateReason' | 'refusedRoutesReason'> | undefined,
): Reason | undefined {
  return live?.refusedStateReason ?? live?.refusedRoutesReason;
}

/** Which connected nodes do not follow the latest change of the routes, and why. Pure. */
export function routeProblems(nodes: readonly RoutedNode[]): readonly ProblemBody[] {
  const connected = nodes.filter((node) => node.connected);
  const refusing = connected.filter((node) => node.refusedRoutesReason !== undefined);
  const late = connected.filter((node) => node.refusedRoutesReason === undefined && node.routesLate === true);
  return [
    ...problem(refusing, refusing[0]?.refusedRoutesReason?.message ?? ''),
    ...problem(late, 'No answer came in time.'),
  ];
}

function problem(nodes: readonly RoutedNode[], why: string): readonly ProblemBody[] {
  const [first] = nodes;
  if (first === undefined) return [];
  const named = nodes.slice(0, NAMED_NODES).map((node) => node.name);
  const more = nodes.length > named.length ? ` and ${String(nodes.length - named.length)} more` : '';
  const [noun, verb] = nodes.length === 1 ? ['Node', 'does'] : ['Nodes', 'do'];
  const message = `${noun} ${named.join(', ')}${more} ${verb} not use this change yet: requests there still follow the old routes. ${why}`;
  return [{ message, next: `slipway why ${first.name}` }];
}
