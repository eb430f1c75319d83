import type { FrontProxies } from '../../shared/domain/fleet-routes.ts';

/** Part of the store: settings of the proxies of all nodes. */
export interface EdgeStore {
  /** The entries that the operator wrote, sorted. */
  frontProxies(): Promise<FrontProxies>;
  /** Replaces the given lists. An entry that was in the other list moves. @throws SLIP_TRUST_LIMIT */
  setFrontProxies(change: Partial<FrontProxies>): Promise<FrontProxies>;
}
