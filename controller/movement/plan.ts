import type { DesiredInstanceState } from '../../shared/domain/assignment.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceState } from '../../shared/domain/instance.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { compare } from '../schedule/nodes.ts';
import { surplus } from '../schedule/plan.ts';

/** An assignment of the app, as far as moves need it. */
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
  /** Silent for longer than the limit of the app. */
  readonly lost: boolean;
}

/** The state that decides the moves of one app. */
export interface MoverView<R extends MoverRow = MoverRow> {
  readonly rows: readonly R[];
  /** The current release. Instances of other releases are not moved. */
  readonly release: number;
  /** Process type → count. `all`: one on every eligible node. */
  readonly wanted: Readonly<Record<string, number | 'all'>>;
  readonly nodes: ReadonlyMap<NodeId, MoverNode>;
  readonly statuses: ReadonlyMap<
    InstanceId,
    { readonly state: InstanceState; readonly startedAtMs?: number | undefined }
  >;
}

/** Why an instance stops. */
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
  /** Instances to stop now. */
  readonly ends: readonly Ending<R>[];
  /** Instances that need a copy on another node before they may stop. */
  readonly leaving: readonly Leaving<R>[];
  /** Instances that fill their slot: no other instance is placed for it. */
  readonly holding: readonly R[];
  /** An instance on a draining node that has to stay because it is the last one. */
  readonly last: readonly R[];
  /** New instances of voluntary moves that are not live yet. */
  readonly underWay: readonly R[];
}

/**
 * Pure: decides which instances of an app stop, need a copy on another node, or wait. It is called again after every change, so it
 * plans only the next step. If a slot (`web.1`) has several instances, {@link keeperOf} chooses the one that stays.
 */
export function planMoves<R extends MoverRow>(view: MoverView<R>): MoverPlan<R> {
  const rows = view.rows.filter((row) => row.release === view.release && row.desired === 'run');
  const plan = { ends: [] as Ending<R>[], leaving: [] as Leaving<R>[], last: [] as R[] };
  for (const [processType, rowsOfType] of Map.groupBy(rows, (row) => row.processType)) {
    if (ownProperty(view.wanted, processType) === 'all') planOnEveryNode(view, rowsOfType, plan);
    else planCounted(view, processType, { rows: rowsOfType, plan });
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
  const slots = Map.groupBy(type.rows, (row) => row.ordinal);
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
  if (left.some((row) => !reasonToLeave(view, row))) return; // an instance stays, or will soon be live
  const [row] = left.filter((each) => !left.some((other) => other.replaces === each.instanceId)); // the newest one
  if (row === undefined) return;
  plan.leaving.push({ row, reason: reasonToLeave(view, row) ?? 'lost' });
}

function reasonToLeave(view: MoverView, row: MoverRow): 'drain' | 'lost' | undefined {
  const node = view.nodes.get(row.nodeId);
  if (node === undefined || node.lost) return 'lost';
  return node.draining ? 'drain' : undefined;
}

/**
 * Chooses the live instance of a slot that stays. Its node must not be draining or lost. After a rebalance or a restart it is the
 * new instance, otherwise the one that started first. Undefined while no such instance is live.
 */
function keeperOf<R extends MoverRow>(view: MoverView, copies: readonly R[]): R | undefined {
  const able = copies.filter((row) => isLive(view, row) && reasonToLeave(view, row) === undefined);
  const asked = able.find((row) => copies.some((other) => replacesOnRequest(row, other)));
  return (
    asked ?? [...able].sort((a, b) => startOf(view, a) - startOf(view, b) || compare(a.instanceId, b.instanceId))[0]
  );
}

/** Instances on disconnected nodes cannot be stopped. They are checked when their node has reported again. */
function losersTo<R extends MoverRow>(view: MoverView, keeper: R, copies: readonly R[]): readonly Ending<R>[] {
  return copies
    .filter((row) => row !== keeper && isConnected(view, row) && stateOf(view, row) !== undefined)
    .filter((row) => !mayStillWin(view, keeper, row))
    .map((row) => ({ row, why: whyItEnds(view, keeper, row) }));
}

/** A requested new instance, or an instance that started earlier and that its agent has just adopted again. */
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

/** A type with one instance on every node never moves. On a draining node the instance stops, unless it is the last one that serves. */
function planOnEveryNode<R extends MoverRow>(view: MoverView, rows: readonly R[], plan: Draft<R>): void {
  const staying = rows.filter((row) => reasonToLeave(view, row) === undefined);
  for (const row of rows.filter((each) => isConnected(view, each))) {
    if (stateOf(view, row) === 'failed') plan.ends.push({ row, why: 'failed' });
    else if (reasonToLeave(view, row) === 'drain') {
      if (staying.some((other) => isLive(view, other))) plan.ends.push({ row, why: 'left' });
      else plan.last.push(row);
    }
  }
  for (const here of Map.groupBy(staying, (row) => row.nodeId).values()) {
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

/** The last report of a disconnected node does not count. */
function isLive(view: MoverView, row: MoverRow): boolean {
  return isConnected(view, row) && stateOf(view, row) === 'live';
}

function startOf(view: MoverView, row: MoverRow): number {
  return view.statuses.get(row.instanceId)?.startedAtMs ?? Infinity;
}
