import type { AppId, InstanceId } from '../../shared/domain/ids.ts';
import type { NodeAdmin } from './node-admin.ts';
import type { Rebalance } from './rebalance.ts';

/** The part of movement that the API uses. */
export interface Movement {
  readonly nodes: Pick<NodeAdmin, 'cordon' | 'uncordon' | 'drain' | 'label' | 'remove'>;
  readonly rebalance: Pick<Rebalance, 'running' | 'progress' | 'plan' | 'start'>;
  /** The default of the controller. */
  readonly lostAfterMs: number;
  wake(appId: AppId): void;
  /** Why an instance that must leave its node is still there. */
  blockedBecause(instanceId: InstanceId): string | undefined;
  /** The wanted instances of an app that have no place (`web.2`), with the reason for each node. */
  placeless(appId: AppId): ReadonlyMap<string, string>;
  /** Names of the absent nodes while too many are absent, so that nothing moves. Normally empty. */
  heldNodes(): readonly string[];
}
