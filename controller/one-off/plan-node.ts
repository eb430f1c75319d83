import type { NodeId } from '../../shared/domain/ids.ts';
import { ineligibility, Loads, placementReasons, type Needs, type PlanNode } from '../schedule/nodes.ts';

export interface OneOffRequest {
  readonly nodes: readonly PlanNode[];
  readonly needs: Needs;
  /** Nodes whose agents can run commands. */
  readonly able: ReadonlySet<NodeId>;
  /** Nodes that have the layers of the release. */
  readonly withLayers: ReadonlySet<NodeId>;
  /** Name of the only possible node. Undefined: any node. */
  readonly only?: string | undefined;
}

export type OneOffPlan =
  | { readonly nodeId: NodeId }
  /** Node name → why the command cannot run there. */
  | { readonly reasons: Readonly<Record<string, string>> };

/** Pure: the node for one command: one that has the layers, then the least loaded one, then the lower id. */
export function planOneOff({ nodes, needs, able, withLayers, only }: OneOffRequest): OneOffPlan {
  const candidates = nodes.filter(({ name }) => only === undefined || name === only);
  const loads = new Loads(nodes);
  const fits = (node: PlanNode): boolean =>
    able.has(node.nodeId) && ineligibility(node, needs) === undefined && loads.hasRoom(node, needs);
  const [best] = loads.nodes
    .filter((node) => candidates.includes(node) && fits(node))
    .sort(
      (a, b) =>
        Number(withLayers.has(b.nodeId)) - Number(withLayers.has(a.nodeId)) ||
        loads.share(a, needs.memoryBytes) - loads.share(b, needs.memoryBytes),
    );
  if (best !== undefined) return { nodeId: best.nodeId };
  const reasons = { ...placementReasons(candidates, loads, needs) };
  for (const node of candidates)
    if (node.connected && !able.has(node.nodeId))
      reasons[node.name] = `its agent is too old for commands (slipway nodes:upgrade ${node.name})`;
  return { reasons };
}
