import type { NodeId } from '../../shared/domain/ids.ts';

/** A process type and how many of it are wanted. */
export interface ProcessDemand {
  readonly processType: string;
  /** A number, or `all`: one on every eligible node. */
  readonly count: number | 'all';
  readonly memoryBytes: number;
}

/** What the planner may know of a node. */
export interface PlanNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly connected: boolean;
  readonly stacks: readonly string[];
  /** OS release and architecture, e.g. `debian-12-x64`. */
  readonly platform: string;
  readonly memoryBytes: number;
  /** Memory promised to assignments that stay. */
  readonly reservedBytes: number;
  /** Instances of the app that stay on it. */
  readonly appInstances: number;
}

export interface PlanRequest {
  readonly demands: readonly ProcessDemand[];
  readonly nodes: readonly PlanNode[];
  readonly slug: { readonly stack: string; readonly platform: string };
}

export interface Placement {
  readonly processType: string;
  readonly ordinal: number;
  readonly nodeId: NodeId;
}

export interface Unplaced {
  readonly processType: string;
  readonly ordinal: number;
  /** Node name → why not there, in words. */
  readonly reasons: Readonly<Record<string, string>>;
}

export interface PlacementPlan {
  readonly placements: readonly Placement[];
  readonly unplaced: readonly Unplaced[];
}

/** Share of a node's memory that instances may be promised; the rest is for the system and the agent. */
const MEMORY_SHARE = 0.9;

interface Load {
  reservedBytes: number;
  appInstances: number;
}

/**
 * Pure: where each instance goes. Spread over nodes first, then the one with most free memory, ties by node id.
 * Same input in any order, same output.
 */
export function planPlacements(request: PlanRequest): PlacementPlan {
  const nodes = [...request.nodes].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const loads = new Map<NodeId, Load>(
    nodes.map((node) => [node.nodeId, { reservedBytes: node.reservedBytes, appInstances: node.appInstances }]),
  );
  const placements: Placement[] = [];
  const unplaced: Unplaced[] = [];
  for (const demand of [...request.demands].sort((a, b) => (a.processType < b.processType ? -1 : 1))) {
    const eligible = nodes.filter((node) => refusal(node, request.slug) === undefined);
    const count = demand.count === 'all' ? eligible.length : demand.count;
    for (let ordinal = 1; ordinal <= count; ordinal += 1) {
      const node = pick(eligible, loads, demand);
      if (node === undefined) {
        unplaced.push({ processType: demand.processType, ordinal, reasons: reasonsFor(nodes, loads, { demand, slug: request.slug }) });
        continue;
      }
      reserve(loads, node, demand);
      placements.push({ processType: demand.processType, ordinal, nodeId: node.nodeId });
    }
  }
  return { placements, unplaced };
}

/** Why a node can never take this slug; `undefined` when it can. */
function refusal(node: PlanNode, slug: PlanRequest['slug']): string | undefined {
  if (!node.connected) return 'it is not connected';
  if (!node.stacks.includes(slug.stack)) return `it does not have the stack ${slug.stack}`;
  if (slug.stack === 'host' && node.platform !== slug.platform)
    return `the slug was built for ${slug.platform}, the node is ${node.platform}`;
  return undefined;
}

function hasRoom(node: PlanNode, load: Load, demand: ProcessDemand): boolean {
  return load.reservedBytes + demand.memoryBytes <= node.memoryBytes * MEMORY_SHARE;
}

function pick(nodes: readonly PlanNode[], loads: ReadonlyMap<NodeId, Load>, demand: ProcessDemand): PlanNode | undefined {
  const candidates = nodes.flatMap((node) => {
    const load = loads.get(node.nodeId);
    const fits = load !== undefined && hasRoom(node, load, demand) && !(demand.count === 'all' && load.appInstances > node.appInstances);
    return fits ? [{ node, load, freeBytes: node.memoryBytes - load.reservedBytes }] : [];
  });
  candidates.sort((a, b) => a.load.appInstances - b.load.appInstances || b.freeBytes - a.freeBytes);
  return candidates[0]?.node;
}

function reserve(loads: Map<NodeId, Load>, node: PlanNode, demand: ProcessDemand): void {
  const load = loads.get(node.nodeId);
  if (load === undefined) return;
  load.reservedBytes += demand.memoryBytes;
  load.appInstances += 1;
}

function reasonsFor(
  nodes: readonly PlanNode[],
  loads: ReadonlyMap<NodeId, Load>,
  of: { readonly demand: ProcessDemand; readonly slug: PlanRequest['slug'] },
): Readonly<Record<string, string>> {
  const mib = (bytes: number): string => String(Math.floor(bytes / (1024 * 1024)));
  return Object.fromEntries(
    nodes.map((node) => {
      const freeBytes = Math.max(0, node.memoryBytes * MEMORY_SHARE - (loads.get(node.nodeId)?.reservedBytes ?? 0));
      const why = refusal(node, of.slug) ?? `it has ${mib(freeBytes)} MB of memory to promise, ${mib(of.demand.memoryBytes)} MB are needed`;
      return [node.name, why];
    }),
  );
}

/** Rolling order: one canary, then a quarter of all, then the rest. */
export function planWaves<T>(placements: readonly T[]): readonly (readonly T[])[] {
  const quarter = Math.ceil(placements.length / 4);
  return [placements.slice(0, 1), placements.slice(1, 1 + quarter), placements.slice(1 + quarter)].filter((wave) => wave.length > 0);
}

/** Heroku: `web` starts with one, everything else with none, until somebody scales it. */
export function demandsOf(
  processTypes: Readonly<Record<string, string>>,
  formation: Readonly<Record<string, number>>,
  memoryBytes: number,
): readonly ProcessDemand[] {
  return Object.keys(processTypes)
    .filter((type) => type !== 'release')
    .map((type) => ({ processType: type, count: formation[type] ?? (type === 'web' ? 1 : 0), memoryBytes }))
    .filter((demand) => demand.count > 0);
}
