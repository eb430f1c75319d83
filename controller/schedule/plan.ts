import type { NodeId } from '../../shared/domain/ids.ts';
import type { Count } from '../../shared/domain/placement.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import {
  bestNode,
  compare,
  Loads,
  placementReasons,
  ineligibility,
  Spread,
  type Needs,
  type PlanNode,
} from './nodes.ts';

/** A process type, its count, and the needs of each instance. */
export interface ProcessDemand extends Needs {
  readonly processType: string;
  readonly count: Count;
}

export interface Placement {
  readonly processType: string;
  readonly ordinal: number;
  readonly nodeId: NodeId;
}

export interface PlanRequest {
  readonly demands: readonly ProcessDemand[];
  readonly nodes: readonly PlanNode[];
  /** Instances that stay where they are; nothing is planned for them again. */
  readonly placed: readonly Placement[];
  /** Instances that are replaced. A new instance goes to the node of the old instance with the same number, if that node can take it. */
  readonly former: readonly Placement[];
}

export interface Unplaced {
  readonly processType: string;
  readonly ordinal: number;
  /** Node name → why the instance cannot run there. */
  readonly reasons: Readonly<Record<string, string>>;
}

export interface PlacementPlan {
  readonly placements: readonly Placement[];
  readonly unplaced: readonly Unplaced[];
}

/** One instance that needs a place. `only`: the only possible node. */
interface Seat {
  readonly demand: ProcessDemand;
  readonly ordinal: number;
  readonly former: NodeId | undefined;
  readonly only?: PlanNode;
}

/**
 * Pure: finds a node for each missing instance. An instance first goes back to its old node, unless that node already has its share.
 * The others are spread over nodes, then over the values of the spread label, then by free memory, then by node id. The order of
 * the input does not matter.
 */
export function planPlacements(request: PlanRequest): PlacementPlan {
  const loads = new Loads(request.nodes);
  const seats = [...request.demands]
    .sort((a, b) => compare(a.processType, b.processType))
    .flatMap((demand) => seatsOf(demand, request));
  const byId = new Map(request.nodes.map((node) => [node.nodeId, node]));
  const spreads = new Map(
    request.demands.map((demand) => [demand.processType, spreadOf(demand, request.placed, byId)]),
  );
  const chosen = new Map<Seat, NodeId>();
  const assign = (seat: Seat, node: PlanNode | undefined): void => {
    if (node === undefined) return;
    loads.take(node.nodeId, seat.demand);
    spreads.get(seat.demand.processType)?.add(node);
    chosen.set(seat, node.nodeId);
  };
  const shares = new Map(request.demands.map((demand) => [demand.processType, shareOf(demand, request.nodes)]));
  for (const seat of seats) {
    const { processType } = seat.demand;
    const node = ownNode(seat, loads, byId);
    const held = node === undefined ? 0 : (spreads.get(processType)?.onNode(node) ?? 0);
    if (held < (shares.get(processType) ?? 0)) assign(seat, node);
  }
  for (const seat of seats.filter((each) => !chosen.has(each) && each.only === undefined)) {
    const eligible = loads.nodes.filter((node) => ineligibility(node, seat.demand) === undefined);
    assign(
      seat,
      bestNode(eligible, loads, {
        needs: seat.demand,
        spread: spreads.get(seat.demand.processType) ?? new Spread(undefined),
      }),
    );
  }
  return {
    placements: seats.flatMap((seat) => {
      const nodeId = chosen.get(seat);
      return nodeId === undefined ? [] : [{ processType: seat.demand.processType, ordinal: seat.ordinal, nodeId }];
    }),
    unplaced: seats.filter((seat) => !chosen.has(seat)).map((seat) => describe(seat, loads)),
  };
}

/** The old node of the instance, or its only possible node, if that node has room. */
function ownNode(seat: Seat, loads: Loads, byId: ReadonlyMap<NodeId, PlanNode>): PlanNode | undefined {
  const wanted = seat.only?.nodeId ?? seat.former;
  const node = wanted === undefined ? undefined : byId.get(wanted);
  return node !== undefined && ineligibility(node, seat.demand) === undefined && loads.hasRoom(node, seat.demand)
    ? node
    : undefined;
}

/** The most instances that one node must hold. The next release spreads the instances out again after a move or a lost node. */
function shareOf(demand: ProcessDemand, nodes: readonly PlanNode[]): number {
  if (demand.count === 'all') return 1;
  return Math.ceil(demand.count / nodes.filter((node) => ineligibility(node, demand) === undefined).length);
}

function describe({ demand, ordinal, only }: Seat, loads: Loads): Unplaced {
  return {
    processType: demand.processType,
    ordinal,
    reasons: placementReasons(only === undefined ? loads.nodes : [only], loads, demand),
  };
}

/** The missing instances of a demand, in order. */
function seatsOf(demand: ProcessDemand, request: PlanRequest): readonly Seat[] {
  const ofDemand = (list: readonly Placement[]): readonly Placement[] =>
    list.filter((each) => each.processType === demand.processType);
  const [placed, former] = [ofDemand(request.placed), ofDemand(request.former)];
  return demand.count === 'all'
    ? oneEach(demand, request.nodes, { placed, former })
    : counted(demand, demand.count, { placed, former });
}

interface Known {
  readonly placed: readonly Placement[];
  readonly former: readonly Placement[];
}

function counted(demand: ProcessDemand, count: number, { placed, former }: Known): readonly Seat[] {
  const taken = new Set(placed.map((each) => each.ordinal));
  const ordinals = Array.from({ length: count }, (_, at) => at + 1).filter((ordinal) => !taken.has(ordinal));
  const formerOf = Map.groupBy(former, (each) => each.ordinal);
  return ordinals.map((ordinal) => ({ demand, ordinal, former: lowest(formerOf.get(ordinal) ?? []) }));
}

/**
 * `all`: every eligible node without an instance gets one. It keeps the old number of that node; new instances take the lowest free
 * number. If no node is eligible and none runs, one instance is missing, so that old instances are not stopped for nothing.
 */
function oneEach(demand: ProcessDemand, nodes: readonly PlanNode[], { placed, former }: Known): readonly Seat[] {
  const served = new Set(placed.map((each) => each.nodeId));
  const open = [...nodes]
    .sort((a, b) => compare(a.nodeId, b.nodeId))
    .filter((node) => !served.has(node.nodeId) && ineligibility(node, demand) === undefined);
  if (open.length + placed.length === 0) return [{ demand, ordinal: 1, former: undefined }];
  const taken = new Set(placed.map((each) => each.ordinal));
  const isOpen = new Set(open.map((node) => node.nodeId));
  const kept = new Map<NodeId, number>();
  for (const { nodeId, ordinal } of [...former].sort((a, b) => a.ordinal - b.ordinal || compare(a.nodeId, b.nodeId))) {
    if (kept.has(nodeId) || taken.has(ordinal) || !isOpen.has(nodeId)) continue;
    kept.set(nodeId, ordinal);
    taken.add(ordinal);
  }
  let ordinal = 0;
  const nextFree = (): number => {
    do ordinal += 1;
    while (taken.has(ordinal));
    return ordinal;
  };
  return open
    .map((only) => ({ demand, ordinal: kept.get(only.nodeId) ?? nextFree(), former: undefined, only }))
    .sort((a, b) => a.ordinal - b.ordinal);
}

function lowest(placements: readonly Placement[]): NodeId | undefined {
  return placements.map((each) => each.nodeId).sort(compare)[0];
}

function spreadOf(demand: ProcessDemand, placed: readonly Placement[], byId: ReadonlyMap<NodeId, PlanNode>): Spread {
  const spread = new Spread(demand.rule.spread);
  for (const each of placed) {
    const node = byId.get(each.nodeId);
    if (node !== undefined && each.processType === demand.processType) spread.add(node);
  }
  return spread;
}

/** The waves of a rollout: one canary, then a quarter of all instances, then the rest. */
export function planWaves<T>(placements: readonly T[]): readonly (readonly T[])[] {
  const quarter = Math.ceil(placements.length / 4);
  return [placements.slice(0, 1), placements.slice(1, 1 + quarter), placements.slice(1 + quarter)].filter(
    (wave) => wave.length > 0,
  );
}

/**
 * The surplus instances that may stop: those with a number above the wanted count, highest first. While too few of the wanted
 * instances are live, some surplus instances keep serving. `all` has no surplus.
 */
export function surplus<T extends Placement>(
  present: readonly T[],
  counts: Readonly<Record<string, Count>>,
  isLive: (each: T) => boolean,
): readonly T[] {
  return [...Map.groupBy(present, (each) => each.processType)].flatMap(([processType, mine]) => {
    const count = ownProperty(counts, processType) ?? 0;
    if (count === 'all') return [];
    const up = new Set(mine.filter((each) => each.ordinal <= count && isLive(each)).map((each) => each.ordinal)).size;
    const extra = mine.filter((each) => each.ordinal > count);
    return extra.sort((a, b) => Number(isLive(b)) - Number(isLive(a)) || a.ordinal - b.ordinal).slice(count - up);
  });
}
