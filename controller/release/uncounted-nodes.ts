import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeFigures, Uncounted } from '../../shared/domain/switch-figures.ts';
import type { LiveNode } from '../dispatch/port.ts';

export type CountingNode = Pick<LiveNode, 'nodeId' | 'name' | 'state' | 'connected' | 'countsSwitches'>;

interface Answers {
  /** Nodes that counted before the first change. */
  readonly begun: ReadonlySet<NodeId>;
  readonly figures: ReadonlyMap<NodeId, NodeFigures>;
  /** The question that they should have answered. */
  readonly read: number;
}

/** Pure: the nodes whose figures are missing or not complete. Any node of the fleet can get requests for any app. */
export function uncountedNodes(nodes: readonly CountingNode[], answers: Answers): readonly Uncounted[] {
  return nodes
    .filter(({ state }) => state !== 'removed')
    .flatMap((node) => {
      const why = whyUncounted(node, answers);
      return why === undefined ? [] : [{ node: node.name, why }];
    });
}

function whyUncounted(
  { nodeId, connected, countsSwitches }: CountingNode,
  { begun, figures, read }: Answers,
): Uncounted['why'] | undefined {
  const own = figures.get(nodeId);
  if (own?.gap !== undefined) return own.gap;
  if (own !== undefined && own.read >= read) return begun.has(nodeId) ? undefined : 'late';
  if (!connected) return 'away';
  return countsSwitches === true ? 'silent' : 'old-agent';
}
