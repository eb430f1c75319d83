import { missingLabel, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { BuilderNode } from './port.ts';

export interface BuiltApp {
  readonly id: string;
  readonly stack: string;
}

export type Buildable = Pick<BuilderNode, 'labels' | 'cordoned' | 'stacks'>;

/** Pure: the least busy builder that may take it, preferring the one that holds the app's build cache; ties by id. */
export function chooseBuilder(
  nodes: readonly BuilderNode[],
  app: BuiltApp,
  required: RequiredLabels,
): BuilderNode | undefined {
  const cost = (node: BuilderNode): number => node.runningTasks * 2 + (node.cachedApps.has(app.id) ? 0 : 1);
  return nodes
    .filter((node) => whyNotBuild(node, required, app.stack) === undefined)
    .sort((a, b) => cost(a) - cost(b) || (a.nodeId < b.nodeId ? -1 : 1))[0];
}

/**
 * Why a connected builder gets no build (of a stack), in words that follow its name; `undefined` when it does. Pure.
 * @param required labels that a node must have to be given any source
 */
export function whyNotBuild(node: Buildable, required: RequiredLabels, stack?: string): string | undefined {
  if (node.cordoned) return 'it is cordoned and takes nothing new';
  const missing = missingLabel(node.labels, required);
  if (missing !== undefined) return missing;
  if (stack !== undefined && !node.stacks.includes(stack)) return `it does not have the stack ${stack}`;
  return undefined;
}
