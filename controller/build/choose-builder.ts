import { missingLabel, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { BuilderNode } from './port.ts';

export interface BuiltApp {
  readonly id: string;
  readonly stack: string;
}

export type Buildable = Pick<BuilderNode, 'labels' | 'cordoned' | 'stacks'>;

/** Pure: the builder with the fewest tasks. A builder that has the build cache of the app is preferred. Equal builders are ordered by id. */
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
 * Why a connected builder gets no build, or no build of a stack. The text follows the name of the node. Undefined when it gets builds. Pure.
 * @param required labels that a builder must have
 */
export function whyNotBuild(node: Buildable, required: RequiredLabels, stack?: string): string | undefined {
  if (node.cordoned) return 'it is cordoned and gets no new builds';
  const missing = missingLabel(node.labels, required);
  if (missing !== undefined) return missing;
  if (stack !== undefined && !node.stacks.includes(stack)) return `it does not have the stack ${stack}`;
  return undefined;
}
