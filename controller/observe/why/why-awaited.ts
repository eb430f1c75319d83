import type { LiveNode } from '../../dispatch/port.ts';

/** Pure: why a node has not confirmed yet that it has no data of a destroyed app. */
export function whyAwaited(
  node: Pick<LiveNode, 'name' | 'connected' | 'removesDestroyed' | 'refusedStateReason' | 'failure'> | undefined,
): string {
  if (node?.connected !== true) {
    const name = node?.name ?? 'NODE';
    return `it is not connected; if the machine is gone: slipway nodes:remove ${name} --force`;
  }
  if (!node.removesDestroyed)
    return 'its agent is too old to report that all data of the app is removed: slipway nodes:upgrade';
  if (node.refusedStateReason !== undefined)
    return `it refuses the desired state of this controller: slipway why ${node.name}`;
  if (node.failure?.code === 'SLIP_DESTROYED_LEFTOVERS')
    return `it cannot remove all data of destroyed apps: slipway why ${node.name}`;
  return 'it still removes data of the app';
}
