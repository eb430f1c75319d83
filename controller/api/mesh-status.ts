import type { ProblemBody } from '../../shared/api/schema.ts';
import { isProxyDown } from '../schedule/nodes.ts';
import type { LiveNode } from '../dispatch/port.ts';

/** Nodes that other nodes cannot reach. Such a node serves only requests for its own instances. */
export function meshProblems(nodes: readonly LiveNode[]): readonly ProblemBody[] {
  const meshed = nodes.filter((node) => node.connected && node.meshAddress !== '');
  // A node whose own proxy is down has a problem of its own, which is the cause.
  const sound = meshed.filter((node) => !isProxyDown(node));
  return sound.flatMap((node) => {
    const others = meshed.filter((other) => other.nodeId !== node.nodeId);
    const cut = others.filter((other) => other.unreachablePeerIds.includes(node.nodeId));
    if (cut.length === 0) return [];
    const port = node.meshAddress.split(':').at(-1) ?? '';
    const message =
      cut.length === others.length
        ? `No other node can reach node ${node.name} at ${node.meshAddress}, so it serves only requests that arrive at it directly.`
        : `Node ${node.name} cannot be reached at ${node.meshAddress} from ${namesOf(cut)}.`;
    return [
      { message, next: `on ${node.name}: open port ${port} to the other nodes, or set mesh.address in agent.json` },
    ];
  });
}

function namesOf(nodes: readonly LiveNode[]): string {
  const names = nodes.map((node) => node.name).sort();
  return names.length > 3 ? `${String(names.length)} nodes` : names.join(', ');
}
