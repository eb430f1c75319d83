import type { NodeId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { Store } from '../store/port.ts';
import { NO_CHANGE } from './assignment-changes.ts';

/** Removes the assignments of stopped instances. Reports trigger it. Returns the unsubscribe function. */
export function startReaper(deps: { readonly store: Store; readonly fleet: Fleet; readonly log: Logger }): () => void {
  const pending = new Set<NodeId>();
  const reap = async (nodeId: NodeId): Promise<void> => {
    try {
      const rows = await deps.store.assignmentsOfNode(nodeId);
      const gone = rows.filter(
        (row) => row.desired === 'stop' && deps.fleet.status(row.instanceId)?.state === 'stopped',
      );
      if (gone.length === 0) return;
      await deps.store.changeAssignments({ ...NO_CHANGE, remove: gone.map((row) => row.instanceId) });
      await deps.fleet.publish(nodeId);
    } catch (error) {
      deps.log.warn({ node: nodeId, err: error }, 'reaper.failed');
    } finally {
      pending.delete(nodeId);
    }
  };
  return deps.fleet.onChange((nodeId) => {
    if (!deps.fleet.statusesOn(nodeId).some((status) => status.state === 'stopped')) return;
    if (pending.has(nodeId)) return; // the running check may miss this report; the next report triggers another one
    pending.add(nodeId);
    void Promise.resolve().then(() => reap(nodeId));
  });
}
