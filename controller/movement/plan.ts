import type { DesiredInstanceState } from '../../shared/domain/assignment.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceState } from '../../shared/domain/instance.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { surplus } from '../schedule/plan.ts';

/** An assignment of the app, as far as moving goes. */
export interface MoverRow {
  readonly instanceId: InstanceId;
  readonly nodeId: NodeId;
  readonly release: number;
  readonly processType: string;
  readonly ordinal: number;
  readonly desired: DesiredInstanceState;
  readonly replaces?: InstanceId | undefined;
  readonly moveReason?: MoveReason | undefined;
}

type MoveReason = 'drain' | 'lost' | 'rebalance' | 'restart';

export interface MoverNode {
  readonly connected: boolean;
  readonly draining: boolean;
  /** Silent for longer than the app waits. */
  readonly lost: boolean;
}

/** Everything that the moves of one app depend on, at one moment. */
export interface MoverView<R extends MoverRow = MoverRow> {
  readonly rows: readonly R[];
  /** The current release: of others nothing is moved. */
  readonly release: number;
  /** Process type → how many; `all`: one on every eligible node. */
  readonly wanted: Readonly<Record<string, number | 'all'>>;
  readonly nodes: ReadonlyMap<NodeId, MoverNode>;
  readonly statuses: ReadonlyMap<
    InstanceId,
    { readonly state: InstanceState; readonly startedAtMs?: number | undefined }
  >;
}

/** Why an instance ends. */
export type EndReason = 'moved' | 'restarted' | 'double' | 'failed' | 'surplus' | 'left';

export interface Ending<R extends MoverRow = MoverRow> {
  readonly row: R;
  readonly why: EndReason;
}

export interface Leaving<R extends MoverRow = MoverRow> {
  readonly row: R;
  readonly reason: 'drain' | 'lost';
}

export interface MoverPlan<R extends MoverRow = MoverRow> {
  /** To be stopped now. */
  readonly ends: readonly Ending<R>[];
  /** They need a copy elsewhere before they may go. */
  readonly leaving: readonly Leaving<R>[];
  /** Hold their slot: no further instance is placed for it. */
  readonly holding: readonly R[];
  /** An instance on a draining node that has to stay because it is the last one. */
  readonly last: readonly R[];
  /** Copies of a voluntary move that are not live yet. */
  readonly underWay: readonly R[];
}

/**
 * Pure: what of an app has to end, to be copied elsewhere, or to wait. Called again after every change, so it only ever takes
 * the next step. Within a slot (`web.1`) of which there are several, the one that stays is chosen by {@link keeperOf}.
 */
export function planMoves<R extends MoverRow>(view: MoverView<R>): MoverPlan<R> {
  const rows = view.rows.filter((row) => row.release === view.release && row.desired === 'run');
  const plan = { ends: [] as Ending<R>[], leaving: [] as Leaving<R>[], last: [] as R[] };
  for (const [processType, ofType] of groupBy(rows, (row) => row.processType)) {
    if (ownProperty(view.wanted, processType) === 'all') planEveryNode(view, ofType, plan);
    else planCounted(view, processType, { rows: ofType, plan });
  }
  const ended = new Set(plan.ends.map((end) => end.row.instanceId));
  const holding = rows.filter((row) => !ended.has(row.instanceId));
  const present = new Set(holding.map((row) => row.instanceId));
  const underWay = holding.filter(
    (row) => isVoluntary(row) && row.replaces !== undefined && present.has(row.replaces) && !isLive(view, row),
  );
  return { ...plan, holding, underWay };
}

interface Draft<R extends MoverRow> {
  readonly ends: Ending<R>[];
  readonly leaving: Leaving<R>[];
  readonly last: R[];
}

function planCounted<R extends MoverRow>(
  view: MoverView,
  processType: string,
  type: { rows: readonly R[]; plan: Draft<R> },
): void {
  const count = Number(ownProperty(view.wanted, processType) ?? 0);
  const slots = groupBy(type.rows, (row) => row.ordinal);
  for (const [ordinal, copies] of slots) {
    if (ordinal <= count) planSlot(view, copies, type.plan);
  }
  const extra = surplus(type.rows, { [processType]: count }, (row) => isLive(view, row));
  type.plan.ends.push(...extra.map((row) => ({ row, why: 'surplus' as const })));
}

function isStarting(view: MoverView, row: MoverRow): boolean {
  const state = view.statuses.get(row.instanceId)?.state;
  return (
    isConnected(view, row) &&
    (state === undefined || state === 'pending' || state === 'fetching' || state === 'starting')
  );
}

function planSlot<R extends MoverRow>(view: MoverView, copies: readonly R[], plan: Draft<R>): void {
  const failed = copies.filter((row) => isConnected(view, row) && stateOf(view, row) === 'failed');
  plan.ends.push(...failed.map((row) => ({ row, why: 'failed' as const })));
  const left = copies.filter((row) => !failed.includes(row));
  const keeper = keeperOf(view, left);
  if (keeper !== undefined) {
    plan.ends.push(...losersTo(view, keeper, left));
    return;
  }
  if (left.some((row) => !reasonToLeave(view, row))) return; // one of them stays, or is about to come
  const [row] = left.filter((each) => !left.some((other) => other.replaces === each.instanceId)); // the newest in line
  if (row === undefined) return;
  plan.leaving.push({ row, reason: reasonToLeave(view, row) ?? 'lost' });
}

function reasonToLeave(view: MoverView, row: MoverRow): 'drain' | 'lost' | undefined {
  const node = view.nodes.get(row.nodeId);
  if (node === undefined || node.lost) return 'lost';
  return node.draining ? 'drain' : undefined;
}

/**
 * Of several live copies of a slot the one that stays: on a node that is not being emptied; where somebody asked for the move,
 * the new one; else the one that has been running longest. Undefined while none that may stay is live.
 */
function keeperOf<R extends MoverRow>(view: MoverView, copies: readonly R[]): R | undefined {
  const able = copies.filter((row) => isLive(view, row) && reasonToLeave(view, row) === undefined);
  const asked = able.find((row) => copies.some((other) => replacesOnRequest(row, other)));
  return (
    asked ?? [...able].sort((a, b) => startOf(view, a) - startOf(view, b) || compare(a.instanceId, b.instanceId))[0]
  );
}

/** Copies on nodes that are away are beyond reach: they are looked at when their node is back and has said how they are. */
function losersTo<R extends MoverRow>(view: MoverView, keeper: R, copies: readonly R[]): readonly Ending<R>[] {
  return copies
    .filter((row) => row !== keeper && isConnected(view, row) && stateOf(view, row) !== undefined)
    .filter((row) => !mayStillWin(view, keeper, row))
    .map((row) => ({ row, why: whyItEnds(view, keeper, row) }));
}

/** A new copy that somebody asked for, or an older process that its agent has only just taken up again. */
function mayStillWin(view: MoverView, keeper: MoverRow, row: MoverRow): boolean {
  if (isLive(view, row) || reasonToLeave(view, row) !== undefined) return false;
  return replacesOnRequest(row, keeper) || (isStarting(view, row) && startOf(view, row) < startOf(view, keeper));
}

function whyItEnds(view: MoverView, keeper: MoverRow, row: MoverRow): EndReason {
  if (replacesOnRequest(keeper, row)) return keeper.moveReason === 'restart' ? 'restarted' : 'moved';
  return reasonToLeave(view, row) === 'drain' ? 'moved' : 'double';
}

/** An operator asked for the new instance: a rebalance or a restart. */
function replacesOnRequest(row: MoverRow, other: MoverRow): boolean {
  const isRequested = row.moveReason === 'rebalance' || row.moveReason === 'restart';
  return isRequested && row.replaces === other.instanceId;
}

/** One on every node: they never move. One whose node is emptied ends, unless it is the last that serves. */
function planEveryNode<R extends MoverRow>(view: MoverView, rows: readonly R[], plan: Draft<R>): void {
  const staying = rows.filter((row) => reasonToLeave(view, row) === undefined);
  for (const row of rows.filter((each) => isConnected(view, each))) {
    if (stateOf(view, row) === 'failed') plan.ends.push({ row, why: 'failed' });
    else if (reasonToLeave(view, row) === 'drain') {
      if (staying.some((other) => isLive(view, other))) plan.ends.push({ row, why: 'left' });
      else plan.last.push(row);
    }
  }
  for (const here of groupBy(staying, (row) => row.nodeId).values()) {
    const keeper = keeperOf(view, here);
    if (keeper !== undefined)
      plan.ends.push(
        ...here
          .filter((row) => row !== keeper && stateOf(view, row) !== 'failed')
          .map((row) => ({ row, why: 'double' as const })),
      );
  }
}

function isVoluntary(row: MoverRow): boolean {
  return row.moveReason !== undefined && row.moveReason !== 'lost';
}

function isConnected(view: MoverView, row: MoverRow): boolean {
  return view.nodes.get(row.nodeId)?.connected === true;
}

function stateOf(view: MoverView, row: MoverRow): InstanceState | undefined {
  return view.statuses.get(row.instanceId)?.state;
}

/** Word of a node that is away counts for nothing. */
function isLive(view: MoverView, row: MoverRow): boolean {
  return isConnected(view, row) && stateOf(view, row) === 'live';
}

function startOf(view: MoverView, row: MoverRow): number {
  return view.statuses.get(row.instanceId)?.startedAtMs ?? Infinity;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group: T[] = groups.get(keyOf(item)) ?? [];
    group.push(item);
    groups.set(keyOf(item), group);
  }
  return groups;
}
