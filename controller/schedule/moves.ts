import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
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

/** An instance, its node and its needs. */
export interface PlacedInstance extends Needs {
  readonly instanceId: InstanceId;
  readonly appId: AppId;
  readonly processType: string;
  readonly ordinal: number;
  readonly nodeId: NodeId;
  /** Its process type runs once on every eligible node (`all`). Such an instance never moves; it stops with its node. */
  readonly everyNode: boolean;
}

export interface Move {
  readonly instance: PlacedInstance;
  readonly to: NodeId;
}

export interface MoveRequest {
  /** All instances that count for the spread: at least those of the apps with moves. */
  readonly instances: readonly PlacedInstance[];
  /** `reservedBytes` includes every instance on the node. */
  readonly nodes: readonly PlanNode[];
}

export interface ReplacementRequest extends MoveRequest {
  /** Instances that must leave their nodes. */
  readonly leaving: ReadonlySet<InstanceId>;
}

export interface ReplacementPlan {
  readonly moves: readonly Move[];
  /** Instances of an `all` type. They stop without a replacement. */
  readonly ends: readonly PlacedInstance[];
  /** Instances without a place. `reasons`: node name → why not there. */
  readonly unplaced: readonly {
    readonly instance: PlacedInstance;
    readonly reasons: Readonly<Record<string, string>>;
  }[];
}

/** Pure: finds another node for each instance that must leave its node. Spread and ties are as in `planPlacements`. */
export function planReplacements(request: ReplacementRequest): ReplacementPlan {
  const loads = new Loads(request.nodes);
  const staying = request.instances.filter((each) => !request.leaving.has(each.instanceId));
  const spreads = spreadsOf(staying, loads.nodes, request.instances);
  const plan = {
    moves: [] as Move[],
    ends: [] as PlacedInstance[],
    unplaced: [] as ReplacementPlan['unplaced'][number][],
  };
  for (const instance of [...request.instances].filter((each) => request.leaving.has(each.instanceId)).sort(byName)) {
    if (instance.everyNode) {
      plan.ends.push(instance);
      continue;
    }
    const others = loads.nodes.filter((node) => node.nodeId !== instance.nodeId);
    const eligible = others.filter((node) => ineligibility(node, instance) === undefined);
    const spread = spreads.get(groupOf(instance)) ?? new Spread(instance.rule.spread);
    const node = bestNode(eligible, loads, { needs: instance, spread });
    if (node === undefined) {
      plan.unplaced.push({ instance, reasons: placementReasons(others, loads, instance) });
      continue;
    }
    loads.take(node.nodeId, instance);
    spread.add(node);
    plan.moves.push({ instance, to: node.nodeId });
  }
  return plan;
}

/** After a move for load, the target node must have this much less load than the old node, as a share of a node. */
const MIN_LOAD_GAIN = 0.1;

/**
 * Pure: a small number of moves that balance the fleet. First each process type is spread until no node has two more instances than
 * another. Then instances move from the fullest nodes to the emptiest ones while that gains enough. A balanced fleet has an empty plan.
 */
export function planRebalance(request: MoveRequest): readonly Move[] {
  const board = new Board(request);
  const moves: Move[] = [];
  for (;;) {
    const move = board.spreadMove() ?? board.loadMove();
    if (move === undefined || moves.length >= request.instances.length) return moves;
    board.make(move);
    moves.push(move);
  }
}

/** The fleet after the moves that are chosen so far. */
class Board {
  readonly #loads: Loads;
  readonly #nodes: ReadonlyMap<NodeId, PlanNode>;
  readonly #spreads: ReadonlyMap<string, Spread>;
  /** Instances that may move and have not moved yet. */
  #movable: readonly PlacedInstance[];

  constructor({ instances, nodes }: MoveRequest) {
    this.#loads = new Loads(nodes);
    this.#nodes = new Map(nodes.map((node) => [node.nodeId, node]));
    this.#spreads = spreadsOf(instances, nodes, instances);
    const present = instances.filter((each) => !each.everyNode && this.#nodes.get(each.nodeId)?.connected === true);
    this.#movable = [...present].sort(
      (a, b) => compare(groupOf(a), groupOf(b)) || b.ordinal - a.ordinal || byName(a, b),
    );
  }

  /** Takes the first uneven group. Moves its highest number from the node with the most instances to the node with the fewest. */
  spreadMove(): Move | undefined {
    for (const instance of this.#movable) {
      const spread = this.#spreads.get(groupOf(instance));
      const from = this.#nodes.get(instance.nodeId);
      if (spread === undefined || from === undefined) continue;
      const better = this.#eligible(instance).filter((node) => spread.onNode(node) + 2 <= spread.onNode(from));
      const to = bestNode(better, this.#loads, { needs: instance, spread });
      if (to !== undefined && this.#isFullest(instance, from)) return { instance, to: to.nodeId };
    }
    return undefined;
  }

  /** Moves the largest possible instance from the fullest node to the emptiest node that can take it. */
  loadMove(): Move | undefined {
    const byShare = [...this.#loads.nodes].sort(
      (a, b) => this.#loads.share(a) - this.#loads.share(b) || compare(a.nodeId, b.nodeId),
    );
    for (const from of byShare.toReversed()) {
      const mine = this.#movable
        .filter((each) => each.nodeId === from.nodeId)
        .sort((a, b) => b.memoryBytes - a.memoryBytes || byName(a, b));
      for (const instance of mine) {
        const allowed = new Set(this.#eligible(instance));
        const to = byShare.find((node) => allowed.has(node) && this.#helps(instance, from, node));
        if (to !== undefined) return { instance, to: to.nodeId };
      }
    }
    return undefined;
  }

  make({ instance, to }: Move): void {
    const [from, node] = [this.#nodes.get(instance.nodeId), this.#nodes.get(to)];
    const spread = this.#spreads.get(groupOf(instance));
    if (from !== undefined) spread?.add(from, -1);
    if (node !== undefined) spread?.add(node);
    this.#loads.giveBack(instance.nodeId, instance.memoryBytes);
    this.#loads.take(to, instance);
    this.#movable = this.#movable.filter((each) => each !== instance);
  }

  #eligible(instance: PlacedInstance): readonly PlanNode[] {
    return this.#loads.nodes.filter(
      (node) => node.nodeId !== instance.nodeId && ineligibility(node, instance) === undefined,
    );
  }

  #isFullest(instance: PlacedInstance, from: PlanNode): boolean {
    const spread = this.#spreads.get(groupOf(instance));
    const peers = this.#movable.filter((each) => groupOf(each) === groupOf(instance));
    return peers.every((each) => {
      const node = this.#nodes.get(each.nodeId);
      return node === undefined || spread === undefined || spread.onNode(node) <= spread.onNode(from);
    });
  }

  #helps(instance: PlacedInstance, from: PlanNode, to: PlanNode): boolean {
    const spread = this.#spreads.get(groupOf(instance));
    if (spread === undefined || spread.onNode(to) >= spread.onNode(from) || !this.#loads.hasRoom(to, instance))
      return false;
    return this.#loads.share(from) - this.#loads.share(to, instance.memoryBytes) >= MIN_LOAD_GAIN;
  }
}

/** The spread of every process type of every app. */
function spreadsOf(
  counted: readonly PlacedInstance[],
  nodes: readonly PlanNode[],
  all: readonly PlacedInstance[],
): ReadonlyMap<string, Spread> {
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const spreads = new Map(all.map((each) => [groupOf(each), new Spread(each.rule.spread)]));
  for (const each of counted) {
    const node = byId.get(each.nodeId);
    if (node !== undefined) spreads.get(groupOf(each))?.add(node);
  }
  return spreads;
}

function groupOf(instance: PlacedInstance): string {
  return `${instance.appId} ${instance.processType}`;
}

function byName(a: PlacedInstance, b: PlacedInstance): number {
  return compare(groupOf(a), groupOf(b)) || a.ordinal - b.ordinal || compare(a.instanceId, b.instanceId);
}
