import type { ProblemBody } from '../../shared/api/schema.ts';
import { missingLabel, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { LiveNode } from '../dispatch/port.ts';

type EdgeNode = Pick<LiveNode, 'name' | 'state' | 'connected' | 'labels' | 'httpsPort' | 'ignoresEdgeSettings'>;

/** What is wrong with the rule for nodes that answer HTTPS. Pure. */
export function edgeProblems(required: RequiredLabels, nodes: readonly EdgeNode[]): readonly ProblemBody[] {
  const rule = Object.entries(required).map(([label, value]) => `${label}=${value}`);
  if (rule.length === 0) return [];
  const members = nodes.filter(({ state }) => state !== 'removed');
  const isEdge = ({ labels }: EdgeNode): boolean => missingLabel(labels, required) === undefined;
  return [...emptyProblem(rule.sort().join(','), members, members.filter(isEdge)), ...keeperProblems(members, isEdge)];
}

function emptyProblem(rule: string, members: readonly EdgeNode[], edges: readonly EdgeNode[]): readonly ProblemBody[] {
  if (members.length === 0 || edges.some(({ httpsPort = 0 }) => httpsPort > 0)) return [];
  const [one] = edges;
  if (one !== undefined) {
    const message = `No node answers HTTPS: the nodes with ${rule} have HTTPS switched off in their agent.json.`;
    return [{ message, next: 'slipway edge' }];
  }
  const message = `No node answers HTTPS, because no node has ${rule}.`;
  return [{ message, next: `slipway nodes:label ${members[0]?.name ?? 'NODE'} ${rule.replaceAll(',', ' ')}` }];
}

/** Agents of the former version do not know that they should remove their keys. */
function keeperProblems(members: readonly EdgeNode[], isEdge: (node: EdgeNode) => boolean): readonly ProblemBody[] {
  const keepers = members.filter((node) => node.ignoresEdgeSettings === true && !isEdge(node));
  return keepers.map(({ name }) => ({
    message: `The agent of node ${name} is too old for edge:set: the node keeps its keys and still answers HTTPS.`,
    next: `slipway nodes:upgrade ${name}`,
  }));
}
