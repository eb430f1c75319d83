import { missingLabel, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { BuilderNode } from './port.ts';

/** What is to be built, and the labels that a node must have to be given any source. */
export interface BuildNeeds {
  readonly app: { readonly id: string; readonly stack: string };
  readonly required: RequiredLabels;
}

/** Pure: the least busy builder that may take it, preferring the one that holds the app's build cache; ties by id. */
export function chooseBuilder(nodes: readonly BuilderNode[], needs: BuildNeeds): BuilderNode | undefined {
  const cost = (node: BuilderNode): number => node.runningTasks * 2 + (node.cachedApps.has(needs.app.id) ? 0 : 1);
  return nodes
    .filter((node) => whyNotBuild(node, needs) === undefined)
    .sort((a, b) => cost(a) - cost(b) || (a.nodeId < b.nodeId ? -1 : 1))[0];
}

/** Why a connected builder gets no build, in words that follow its name; `undefined` when it does. Pure. */
export function whyNotBuild(
  node: Pick<BuilderNode, 'labels' | 'cordoned' | 'stacks'>,
  { required, app }: Pick<BuildNeeds, 'required'> & Partial<BuildNeeds>,
): string | undefined {
  if (node.cordoned) return 'it is cordoned and takes nothing new';
  const missing = missingLabel(node.labels, required);
  if (missing !== undefined) return missing;
  if (app !== undefined && !node.stacks.includes(app.stack)) return `it does not have the stack ${app.stack}`;
  return undefined;
}
