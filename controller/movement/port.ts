import type { AppId, InstanceId } from '../../shared/domain/ids.ts';
import type { NodeAdmin } from './node-admin.ts';
import type { Rebalance } from './rebalance.ts';

/** Movement as the API sees it. */
export interface Movement {
  readonly nodes: Pick<NodeAdmin, 'cordon' | 'uncordon' | 'drain' | 'label' | 'remove'>;
  readonly rebalance: Pick<Rebalance, 'running' | 'progress' | 'plan' | 'start'>;
  /** The controller's default. */
  readonly lostAfterMs: number;
  wake(appId: AppId): void;
  /** Why an instance that has to leave its node is still there, in words. */
  blockedBecause(instanceId: InstanceId): string | undefined;
  /** What of an app is wanted and has no place (`web.2`), and why not on each node. */
  placeless(appId: AppId): ReadonlyMap<string, string>;
  /** Names of nodes that went away together, so that nothing is moved; empty as a rule. */
  heldNodes(): readonly string[];
}
