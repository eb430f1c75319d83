import type { DesiredState, Epoch } from '../../shared/domain/assignment.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App, AssignmentRow, Release, Store } from '../store/port.ts';
import { assembleDesiredState, releaseKey } from './desired-state.ts';

export type DesiredStore = Pick<Store, 'nodeById' | 'assignmentsOfNode' | 'release' | 'appById'>;

const ATTEMPTS = 20;

/**
 * The desired state of a node, generation and content of one moment: the generation is read
 * before and after, and the reading repeated when it moved meanwhile. `undefined` when the node is unknown or removed.
 * @throws SLIP_DISPATCH_BUSY, SLIP_DISPATCH_ROWS
 */
export async function readDesiredState(
  store: DesiredStore,
  id: NodeId,
  settings: { readonly epoch: Epoch; readonly baseDomain: string },
): Promise<DesiredState | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const node = await store.nodeById(id);
    if (node === undefined || node.state === 'removed') return undefined;
    const assignments = await store.assignmentsOfNode(node.id);
    const [apps, releases] = [await readApps(store, assignments), await readReleases(store, assignments)];
    const after = await store.nodeById(id);
    if (after?.generation !== node.generation) continue;
    return assembleDesiredState({ ...settings, generation: node.generation, assignments, apps, releases });
  }
  throw new SlipwayError({
    code: 'SLIP_DISPATCH_BUSY',
    kind: 'transient',
    message: "The node's assignments changed faster than they could be read.",
  });
}

async function readApps(store: DesiredStore, rows: readonly AssignmentRow[]): Promise<ReadonlyMap<AppId, App>> {
  const apps = new Map<AppId, App>();
  for (const appId of new Set(rows.map((row) => row.appId))) {
    const app = await store.appById(appId);
    if (app !== undefined) apps.set(appId, app);
  }
  return apps;
}

/** The distinct releases that these assignments run. */
export async function readReleases(
  store: Pick<Store, 'release'>,
  rows: readonly Pick<AssignmentRow, 'appId' | 'release'>[],
): Promise<ReadonlyMap<string, Release>> {
  const releases = new Map<string, Release>();
  for (const row of rows) {
    if (releases.has(releaseKey(row))) continue;
    const release = await store.release(row.appId, row.release);
    if (release !== undefined) releases.set(releaseKey(row), release);
  }
  return releases;
}
