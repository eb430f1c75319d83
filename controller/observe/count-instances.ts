import type { Formation } from '../../shared/domain/placement.ts';

/** An instance, as far as counting needs it. */
export interface CountedInstance {
  /** `web.1` */
  readonly name: string;
  readonly type: string;
  readonly node: string;
  /** `unknown` while its node is not connected. */
  readonly state: string;
  readonly desired: 'run' | 'standby' | 'stop';
  /** False: its health checks fail, so it gets no requests. */
  readonly ready?: boolean | undefined;
}

export interface InstanceCounts<I extends CountedInstance = CountedInstance> {
  /** The wanted number. A type that runs on every node: one for each node that has one and is not lost, at least one. */
  readonly desired: number;
  /** Wanted instances that are live on a connected node. Several copies (a move, a lost node, a switch) count once. */
  readonly live: number;
  /** Live ones whose health checks do not fail. */
  readonly ready: number;
  /** Wanted instances that are not live, with their assignment. `at` is absent while the instance has no place. */
  readonly down: readonly { readonly name: string; readonly at: I | undefined }[];
  /** The nodes of all these instances. */
  readonly nodes: readonly string[];
}

interface Slot<I> {
  readonly name: string;
  /** Copies on lost nodes are last. */
  readonly copies: readonly I[];
}

/** Pure: the `live/desired` that every command shows. */
export function countInstances<I extends CountedInstance>(
  wanted: Formation,
  { instances, lostNodes }: { readonly instances: readonly I[]; readonly lostNodes: ReadonlySet<string> },
): InstanceCounts<I> {
  const running = instances.filter((instance) => instance.desired === 'run');
  const [lost, present] = [
    running.filter(({ node }) => lostNodes.has(node)),
    running.filter(({ node }) => !lostNodes.has(node)),
  ];
  const slots = Object.entries(wanted).flatMap(([type, count]) =>
    count === 'all' ? everyNode(type, present, lost) : numbered(type, count, [...present, ...lost]),
  );
  const best = slots.map(({ name, copies }) => ({
    name,
    at: copies.find(isReady) ?? copies.find(({ state }) => state === 'live') ?? copies[0],
  }));
  return {
    desired: best.length,
    live: best.filter(({ at }) => at?.state === 'live').length,
    ready: best.filter(({ at }) => at !== undefined && isReady(at)).length,
    down: best.filter(({ at }) => at?.state !== 'live'),
    nodes: [...new Set(best.flatMap(({ at }) => at?.node ?? []))].sort(),
  };
}

function isReady({ state, ready }: CountedInstance): boolean {
  return state === 'live' && ready !== false;
}

/** A live instance with a number that is too high replaces a missing instance, until that one is live. */
function numbered<I extends CountedInstance>(type: string, count: number, instances: readonly I[]): readonly Slot<I>[] {
  const names = Array.from({ length: count }, (_, at) => `${type}.${String(at + 1)}`);
  const byName = Map.groupBy(
    instances.filter((instance) => instance.type === type),
    ({ name }) => name,
  );
  const stand = [...byName]
    .filter(([name, [first]]) => !names.includes(name) && first?.state === 'live')
    .map(([, copies]) => copies);
  return names.map((name) => ({ name, copies: byName.get(name) ?? stand.shift() ?? [] }));
}

/** If no node runs it, report one missing, even when no node is eligible. */
function everyNode<I extends CountedInstance>(
  type: string,
  present: readonly I[],
  lost: readonly I[],
): readonly Slot<I>[] {
  const mine = present.filter((instance) => instance.type === type);
  if (mine.length === 0) {
    const gone = lost.filter((instance) => instance.type === type).slice(0, 1);
    return [{ name: gone[0]?.name ?? `${type}.1`, copies: gone }];
  }
  const byNode = Map.groupBy(mine, ({ node }) => node);
  return [...byNode.values()].map((copies) => ({ name: copies[0]?.name ?? '', copies }));
}
