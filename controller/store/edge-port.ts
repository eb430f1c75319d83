import type { FrontProxies } from '../../shared/domain/fleet-routes.ts';
import type { RequiredLabels } from '../../shared/domain/placement.ts';

/** Part of the store: settings of the proxies of all nodes. */
export interface EdgeStore {
  /** The entries that the operator wrote, sorted. */
  frontProxies(): Promise<FrontProxies>;
  /** Replaces the given lists. An entry that was in the other list moves. @throws SLIP_TRUST_LIMIT */
  setFrontProxies(change: Partial<FrontProxies>): Promise<FrontProxies>;
  /** Labels that a node must have to answer HTTPS and to hold keys; none: every node. */
  edgeLabels(): Promise<RequiredLabels>;
  setEdgeLabels(labels: RequiredLabels): Promise<void>;
}
