import type { NodeId } from '../../shared/domain/ids.ts';
import type { PlanNode } from './nodes.ts';
import { planPlacements, type Placement, type PlanRequest, type Unplaced } from './plan.ts';

/** An instance that the new release replaces. */
export interface Former extends Placement {
  readonly memoryBytes: number;
}

export interface RoomRequest extends PlanRequest {
  readonly former: readonly Former[];
  /** Memory per node that will soon be free: of standby and stopping instances. */
  readonly leavingBytes: ReadonlyMap<NodeId, number>;
}

export type RoomPlan =
  | {
      readonly kind: 'go';
      readonly placements: readonly Placement[];
      /** Process types whose old instances must stop before the new ones start. */
      readonly stopFirst: ReadonlySet<string>;
    }
  /** It fits when instances have stopped (`room`), or when nodes report more free disk (`disk`). */
  | { readonly kind: 'wait'; readonly for: 'room' | 'disk'; readonly unplaced: Unplaced }
  | { readonly kind: 'fail'; readonly unplaced: Unplaced };

/**
 * Pure: finds room for a release. The new instances run beside the old ones if both fit. Otherwise the old ones stop first, if the
 * process type allows it. Otherwise the release waits, or fails if it would not fit even after all leaving instances have stopped.
 */
export function planRoom(request: RoomRequest): RoomPlan {
  const beside = planPlacements(request);
  const [unplaced] = beside.unplaced;
  if (unplaced === undefined) return { kind: 'go', placements: beside.placements, stopFirst: new Set() };
  const tight = new Set(beside.unplaced.map((each) => each.processType));
  if (request.demands.every((demand) => !tight.has(demand.processType) || demand.rule.onFull === 'stop-first')) {
    const inPlace = planPlacements({ ...request, nodes: without(request, (former) => tight.has(former.processType)) });
    if (inPlace.unplaced.length === 0) return { kind: 'go', placements: inPlace.placements, stopFirst: tight };
  }
  const emptied = without(request, () => true).map((node) => ({
    ...node,
    reservedBytes: node.reservedBytes - (request.leavingBytes.get(node.nodeId) ?? 0),
  }));
  const [never] = planPlacements({ ...request, nodes: emptied }).unplaced;
  if (never === undefined) return { kind: 'wait', for: 'room', unplaced };
  const roomy = emptied.map((node) => ({ ...node, diskFreeBytes: Infinity }));
  if (planPlacements({ ...request, nodes: roomy }).unplaced.length === 0)
    return { kind: 'wait', for: 'disk', unplaced: never };
  return { kind: 'fail', unplaced: never };
}

/** The nodes without these old instances. */
function without(request: RoomRequest, gone: (former: Former) => boolean): readonly PlanNode[] {
  return request.nodes.map((node) => {
    const freed = request.former.filter((former) => former.nodeId === node.nodeId && gone(former));
    return { ...node, reservedBytes: node.reservedBytes - freed.reduce((sum, former) => sum + former.memoryBytes, 0) };
  });
}

/** The old instances that must stop before these placements start: those with the same number, and otherwise those of the type on the same node. */
export function instancesToStop<T extends Placement>(
  placements: readonly Placement[],
  former: readonly T[],
  stopFirst: ReadonlySet<string>,
): readonly T[] {
  const ending = new Set<T>();
  for (const placement of placements.filter((each) => stopFirst.has(each.processType))) {
    const kin = former.filter((each) => each.processType === placement.processType);
    const namesakes = kin.filter((each) => each.ordinal === placement.ordinal);
    for (const each of namesakes) ending.add(each);
    if (namesakes.some((each) => each.nodeId === placement.nodeId)) continue;
    for (const each of kin.filter((one) => one.nodeId === placement.nodeId)) ending.add(each);
  }
  return [...ending];
}
