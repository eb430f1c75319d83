import type { AppId } from '../../shared/domain/ids.ts';
import { runningCounts } from '../../shared/domain/placement.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { AppShape } from '../schedule/demands.ts';
import { isProxyDown, type PlanNode } from '../schedule/nodes.ts';
import type { Store } from '../store/port.ts';

/** The nodes for the planners: the live state of each node, and the memory that is reserved on it. */
export async function planNodes(
  store: Pick<Store, 'nodes' | 'promisedMemory'>,
  fleet: Pick<Fleet, 'nodes'>,
): Promise<readonly PlanNode[]> {
  const [rows, promised] = await Promise.all([store.nodes(), store.promisedMemory()]);
  const live = new Map(fleet.nodes().map((node) => [node.nodeId, node]));
  return rows.flatMap((row) => {
    const node = live.get(row.id);
    if (node === undefined) return [];
    const { nodeId, name, connected, stacks, platform, memoryBytes, diskFreeBytes } = node;
    return [
      {
        nodeId,
        name,
        connected,
        stacks,
        platform,
        memoryBytes,
        diskFreeBytes,
        refuses: node.refusedStateReason !== undefined,
        proxyDown: isProxyDown(node),
        cordoned: node.cordoned || node.draining || row.cordoned,
        labels: row.labels,
        reservedBytes: promised.get(row.id)?.memoryBytes ?? 0,
      },
    ];
  });
}

/** The process types of an app for the planners, with their counts and settings, when it runs this slug. A stopped type has the count 0. */
export async function appShape(
  store: Pick<Store, 'appById' | 'formation' | 'processSettings'>,
  appId: AppId,
  slug: Slug,
): Promise<AppShape> {
  const [app, formation, settings] = await Promise.all([
    store.appById(appId),
    store.formation(appId),
    store.processSettings(appId),
  ]);
  return { slug, formation: runningCounts(slug.processTypes, formation, app?.stopped), settings };
}
