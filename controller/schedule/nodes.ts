import type { NodeId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { missingLabel, type PlacementRule } from '../../shared/domain/placement.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';

/** A node, as the planners see it. */
export interface PlanNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly connected: boolean;
  /** Its agent refuses the desired state: it follows another controller, or cannot store the state. */
  readonly refuses?: boolean | undefined;
  /** No instance on it gets requests. */
  readonly proxyDown?: boolean | undefined;
  /** It takes no new instances. Its instances keep running. */
  readonly cordoned: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly stacks: readonly string[];
  /** OS release and architecture, e.g. `debian-12-x64`. */
  readonly platform: string;
  readonly memoryBytes: number;
  /** Memory reserved for every instance on it. Instances that are about to stop count too, because they still use their memory. */
  readonly reservedBytes: number;
  readonly diskFreeBytes: number;
}

/** The needs of one instance. */
export interface Needs {
  readonly memoryBytes: number;
  /** Free disk for its slug and its disk limit. */
  readonly diskBytes: number;
  readonly rule: PlacementRule;
  readonly slug: { readonly stack: string; readonly platform: string };
}

/** Share of a node's memory that can be reserved for instances. The rest is for the system and the agent. */
export const MEMORY_SHARE = 0.9;

/** The reserved memory and the free disk of each node while a plan is made. */
export class Loads {
  readonly nodes: readonly PlanNode[];
  readonly #memory: Map<NodeId, number>;
  readonly #disk: Map<NodeId, number>;

  /** Nodes are sorted by id, so that a plan does not depend on the order of its input. */
  constructor(nodes: readonly PlanNode[]) {
    this.nodes = [...nodes].sort((a, b) => compare(a.nodeId, b.nodeId));
    this.#memory = new Map(nodes.map((node) => [node.nodeId, node.reservedBytes]));
    this.#disk = new Map(nodes.map((node) => [node.nodeId, node.diskFreeBytes]));
  }

  freeMemory(node: PlanNode): number {
    return Math.max(0, node.memoryBytes * MEMORY_SHARE - (this.#memory.get(node.nodeId) ?? 0));
  }

  freeDisk(node: PlanNode): number {
    return Math.max(0, this.#disk.get(node.nodeId) ?? 0);
  }

  /** The reserved share of the memory that can be reserved. A node without memory counts as full. */
  share(node: PlanNode, withBytes = 0): number {
    return node.memoryBytes <= 0
      ? 1
      : ((this.#memory.get(node.nodeId) ?? 0) + withBytes) / (node.memoryBytes * MEMORY_SHARE);
  }

  hasRoom(node: PlanNode, needs: Needs): boolean {
    return this.freeMemory(node) >= needs.memoryBytes && this.freeDisk(node) >= needs.diskBytes;
  }

  take(nodeId: NodeId, needs: Needs): void {
    this.#memory.set(nodeId, (this.#memory.get(nodeId) ?? 0) + needs.memoryBytes);
    this.#disk.set(nodeId, (this.#disk.get(nodeId) ?? 0) - needs.diskBytes);
  }

  giveBack(nodeId: NodeId, memoryBytes: number): void {
    this.#memory.set(nodeId, (this.#memory.get(nodeId) ?? 0) - memoryBytes);
  }
}

/** Its agent reports that the proxy is down and cannot be repaired. Pure. */
export function isProxyDown({ failure }: { readonly failure?: Pick<Reason, 'code'> | undefined }): boolean {
  return failure?.code.startsWith('SLIP_PROXY_') === true;
}

/** Why a node cannot take the instance, even with enough room. Undefined: it can. */
export function ineligibility(node: PlanNode, { rule, slug }: Pick<Needs, 'rule' | 'slug'>): string | undefined {
  if (!node.connected) return 'it is not connected';
  if (node.refuses === true) return 'it refuses changes of this controller';
  if (node.proxyDown === true) return 'its proxy is down';
  if (node.cordoned) return 'it is cordoned and gets no new instances';
  const missing = missingLabel(node.labels, rule.require);
  if (missing !== undefined) return missing;
  if (!node.stacks.includes(slug.stack)) return `it does not have the stack ${slug.stack}`;
  if (slug.stack === 'host' && node.platform !== slug.platform)
    return `the slug was built for ${slug.platform}, the node is ${node.platform}`;
  return undefined;
}

/** Why an eligible node has no room. */
export function shortage(node: PlanNode, loads: Loads, needs: Needs): string {
  if (loads.freeMemory(node) < needs.memoryBytes)
    return `it has ${mebibytes(loads.freeMemory(node))} MB of unreserved memory, ${mebibytes(needs.memoryBytes)} MB are needed`;
  return `it has ${mebibytes(loads.freeDisk(node))} MB of disk free, ${mebibytes(needs.diskBytes)} MB are needed`;
}

/** Node name → why the instance cannot run there. */
export function placementReasons(
  nodes: readonly PlanNode[],
  loads: Loads,
  needs: Needs,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    nodes.map((node) => [node.name, ineligibility(node, needs) ?? shortage(node, loads, needs)]),
  );
}

/** The number of instances of a group (a process type of an app) on each node, and for each value of its spread label. */
export class Spread {
  readonly #label: string | undefined;
  readonly #onNode = new Map<NodeId, number>();
  readonly #inValue = new Map<string, number>();

  constructor(label: string | undefined) {
    this.#label = label;
  }

  add(node: PlanNode, change = 1): void {
    this.#onNode.set(node.nodeId, this.onNode(node) + change);
    this.#inValue.set(this.#valueOf(node), this.inValue(node) + change);
  }

  onNode(node: PlanNode): number {
    return this.#onNode.get(node.nodeId) ?? 0;
  }

  inValue(node: PlanNode): number {
    return this.#inValue.get(this.#valueOf(node)) ?? 0;
  }

  /** Nodes without the label have one common value. */
  #valueOf(node: PlanNode): string {
    return this.#label === undefined ? '' : (ownProperty(node.labels, this.#label) ?? '');
  }
}

/** The best node with room: fewest instances of the group, then fewest in its zone, then most free memory, then the lower id. */
export function bestNode(
  candidates: readonly PlanNode[],
  loads: Loads,
  group: { needs: Needs; spread: Spread },
): PlanNode | undefined {
  const fitting = candidates.filter((node) => loads.hasRoom(node, group.needs));
  return fitting.sort(
    (a, b) =>
      group.spread.onNode(a) - group.spread.onNode(b) ||
      group.spread.inValue(a) - group.spread.inValue(b) ||
      loads.freeMemory(b) - loads.freeMemory(a) ||
      compare(a.nodeId, b.nodeId),
  )[0];
}

/** Code-unit order: the same on every machine, whatever its locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mebibytes(bytes: number): string {
  return String(Math.floor(bytes / (1024 * 1024)));
}
