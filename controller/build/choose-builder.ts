import type { BuilderNode } from './port.ts';

/** Pure: the least busy builder that has the stack, preferring the one that holds the app's build cache; ties by id. */
export function chooseBuilder(
  nodes: readonly BuilderNode[],
  app: { readonly id: string; readonly stack: string },
): BuilderNode | undefined {
  const cost = (node: BuilderNode): number => node.runningTasks * 2 + (node.cachedApps.has(app.id) ? 0 : 1);
  return nodes.filter((node) => node.stacks.includes(app.stack)).sort((a, b) => cost(a) - cost(b) || (a.nodeId < b.nodeId ? -1 : 1))[0];
}
