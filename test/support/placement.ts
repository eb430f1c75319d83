import type { PlacedInstance } from '../../controller/schedule/moves.ts';
import type { Needs, PlanNode } from '../../controller/schedule/nodes.ts';
import type { PlanRequest, ProcessDemand } from '../../controller/schedule/plan.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import { ANYWHERE, type Count } from '../../shared/domain/placement.ts';

export const GIB = 1024 ** 3;

/** A connected node. By default it has 4 GB and no instances. */
export function planNode(name: string, over: Partial<PlanNode> = {}): PlanNode {
  return {
    nodeId: name as NodeId,
    name,
    connected: true,
    cordoned: false,
    labels: {},
    stacks: ['host'],
    platform: 'debian-12-x64',
    memoryBytes: 4 * GIB,
    reservedBytes: 0,
    diskFreeBytes: 100 * GIB,
    ...over,
  };
}

export function needs(over: Partial<Needs> = {}): Needs {
  return {
    memoryBytes: GIB,
    diskBytes: GIB,
    rule: ANYWHERE,
    slug: { stack: 'host', platform: 'debian-12-x64' },
    ...over,
  };
}

export function webDemand(count: Count, over: Partial<Needs> = {}): ProcessDemand {
  return { processType: 'web', count, ...needs(over) };
}

export function planRequest(over: Partial<PlanRequest>): PlanRequest {
  return { demands: [], nodes: [], placed: [], former: [], ...over };
}

/** web.N of an app on a node. */
export function placedWeb(
  app: string,
  ordinal: number,
  nodeId: string,
  over: Partial<PlacedInstance> = {},
): PlacedInstance {
  return {
    ...needs(),
    instanceId: `${app}-web-${String(ordinal)}` as InstanceId,
    appId: app as AppId,
    processType: 'web',
    ordinal,
    nodeId: nodeId as NodeId,
    everyNode: false,
    ...over,
  };
}
