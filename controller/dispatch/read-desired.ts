import type { DesiredState, Epoch } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Store } from '../store/port.ts';
import { assembleDesiredState, releaseKey } from './desired-state.ts';

/** Builds the state of a node from the rows that were read. Undefined for an unknown or removed node. @throws SLIP_DISPATCH_ROWS */
export type ReadState = (node: NodeId) => DesiredState | undefined;

/** Reads the desired states of several nodes in one transaction. Rows that several nodes share are read and checked once. */
export async function readDesiredStates(
  store: Pick<Store, 'desiredRows'>,
  nodeIds: readonly NodeId[],
  settings: { readonly epoch: Epoch; readonly baseDomain: string },
): Promise<ReadState> {
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
