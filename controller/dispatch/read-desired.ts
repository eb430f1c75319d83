import type { DesiredState, Epoch } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Store } from '../store/port.ts';
import { assembleDesiredState, releaseKey } from './desired-state.ts';

/** Assembles what was read. `undefined`: the node is unknown or removed. @throws SLIP_DISPATCH_ROWS */
export type DesiredOf = (node: NodeId) => DesiredState | undefined;

/** The desired states of some nodes, generations and contents of one moment. What several nodes share is read and checked once. */
export async function readDesiredStates(
  store: Pick<Store, 'desiredRows'>,
  nodeIds: readonly NodeId[],
  settings: { readonly epoch: Epoch; readonly baseDomain: string },
): Promise<DesiredOf> {
  const rows = await store.desiredRows(nodeIds);
  const nodes = new Map(rows.nodes.map((node) => [node.id, node]));
  const assignments = Map.groupBy(rows.assignments, (row) => row.nodeId);
  const apps = new Map(rows.apps.map((app) => [app.id, app]));
  const destroyed = Map.groupBy(rows.destroyed, (row) => row.nodeId);
  const releases = new Map(
    rows.releases.map((release) => [releaseKey({ appId: release.appId, release: release.version }), release]),
  );
  return (id) => {
    const node = nodes.get(id);
    if (node === undefined || node.state === 'removed') return undefined;
    const mine = {
      assignments: assignments.get(id) ?? [],
      destroyed: destroyed.get(id)?.map(({ appId, uidBase }) => ({ appId, uidBase })),
    };
    return assembleDesiredState({ ...settings, generation: node.generation, ...mine, apps, releases });
  };
}
