import type { AppId } from '../../shared/domain/ids.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';
import { NO_CHANGE, publishTo, setDesired } from './assignment-changes.ts';

export interface ReplaceDeps {
  readonly store: Pick<Store, 'changeAssignments'>;
  readonly fleet: Pick<Fleet, 'publish' | 'routesApplied'>;
}

export interface Replacement {
  readonly appId: AppId;
  readonly signal: AbortSignal;
  /** Instances that start. */
  readonly add?: readonly AssignmentRow[];
  /** Instances that lose their traffic. */
  readonly remove?: readonly AssignmentRow[];
  /** Removed instances stop, or stay ready to take the traffic back. */
  readonly removeTo?: 'stop' | 'standby';
  /**
   * Called when every proxy has the new routes. It returns the instances that may still be removed. An instance that was to
   * serve in their place may have failed in the meantime.
   */
  readonly recheck?: () => readonly AssignmentRow[] | Promise<readonly AssignmentRow[]>;
}

/**
 * Writes one change of an app's instances and sends it to the nodes. Instances are removed only after every proxy sends their
 * requests elsewhere, so no request is lost. Everything is written in one transaction.
 * @returns the removed instances
 */
export async function replaceInstances(
  { store, fleet }: ReplaceDeps,
  { appId, signal, add = [], remove = [], removeTo = 'stop', recheck }: Replacement,
): Promise<readonly AssignmentRow[]> {
  const ids = remove.map((row) => row.instanceId);
  if (ids.length > 0) await fleet.routesApplied(appId, signal, ids);
  const still = recheck === undefined ? remove : await recheck();
  const removed = still.filter((row) => ids.includes(row.instanceId));
  if (removed.length + add.length === 0) return [];
  await store.changeAssignments({ ...NO_CHANGE, add, setDesired: setDesired(removed, removeTo) });
  await publishTo(fleet, [...removed, ...add]);
  return removed;
}
