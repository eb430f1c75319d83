import type { AppId } from '../../shared/domain/ids.ts';
import { Mover, type MoverDeps } from './mover.ts';
import { NodeAdmin } from './node-admin.ts';
import type { Movement } from './port.ts';
import { Rebalance } from './rebalance.ts';

/** The mover, the rebalance and the node operations. `reconcile` runs until the signal aborts. It never rejects. */
export function createMovement(deps: Omit<MoverDeps, 'onReady'>): Movement & { reconcile(): Promise<void> } {
  const wake = (appId: AppId): void => {
    mover.wake(appId);
  };
  const rebalance = new Rebalance({ ...deps, wake });
  const mover = new Mover({ ...deps, onReady: () => void rebalance.resume() });
  return {
    nodes: new NodeAdmin({ ...deps, wake }),
    rebalance,
    lostAfterMs: deps.lostAfterMs,
    wake,
    reconcile: () => mover.reconcile(),
    blockedBecause: (instanceId) => mover.blockedBecause(instanceId),
    placeless: (appId) => mover.placeless(appId),
    heldNodes: () => mover.heldNodes.flatMap((nodeId) => deps.fleet.node(nodeId)?.name ?? []),
  };
}
